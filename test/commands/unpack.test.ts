import { watch } from 'node:fs';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, createTestFolder, directory, file, gzip, node } from '../fixtures/archive.js';
import { runCli, startCli } from '../fixtures/run-cli.js';

const archive = createArchive([
  directory('.'),
  directory('dev'),
  node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1 }),
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
]);
const image = gzip(archive, 9);

async function setUp(t: Parameters<typeof createTestFolder>[0]): Promise<string> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  return folder;
}

test('unpacks to a folder with a sidecar beside it, by default named after the image', async (t) => {
  const folder = await setUp(t);
  const { code, stdout } = await runCli(folder, ['unpack', 'initrd.img', '--json']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout.toString()), {
    output: join(folder, 'initrd.root'),
    entries: 4,
    sidecar: join(folder, 'initrd.root.moby-patch.jsonl'),
    kept: ['dev/console'],
  });
  t.deepEqual((await readdir(join(folder, 'initrd.root'))).sort(), ['dev', 'init']);
  t.deepEqual(await readdir(join(folder, 'initrd.root/dev')), []);
});

test('a folder that is not empty is refused and stays as it is', async (t) => {
  const folder = await setUp(t);
  const parent = await mkdtemp(join(folder, 'mine-'));
  await writeFile(join(parent, 'file'), 'mine');
  const { code, stderr } = await runCli(folder, ['unpack', 'initrd.img', '-o', parent]);
  t.is(code, 2);
  t.regex(stderr, /output-exists/);
  t.deepEqual(await readdir(parent), ['file']);
});

test('unpack writes nothing for a damaged image', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'bad.img'), image.subarray(0, -20));
  for (const output of ['root', 'root.tar', '-']) {
    const { code, stdout, stderr } = await runCli(folder, ['unpack', 'bad.img', '-o', output]);
    t.is(code, 2);
    t.is(stdout.length, 0);
    t.regex(stderr, /image-truncated/);
  }
  t.deepEqual(await readdir(folder), ['bad.img']);
});

test('a stream of tar goes back through repack, from and to standard output', async (t) => {
  const folder = await setUp(t);
  const tar = await runCli(folder, ['unpack', '-', '-o', '-'], image);
  t.is(tar.code, 0);
  t.is(tar.stderr, '');
  const back = await runCli(folder, ['repack', '-', '-o', '-', '--compression', 'none'], tar.stdout);
  t.is(back.code, 0);
  t.true(back.stdout.equals(archive));
  t.is((await runCli(folder, ['unpack', 'initrd.img', '-o', 'image.tar'])).code, 0);
  t.true((await readFile(join(folder, 'image.tar'))).length > 0);
  t.is((await runCli(folder, ['unpack', 'initrd.img', '-o', '-', '--json'])).code, 2);
});

/** So large that the work can be stopped in the middle. */
const large = createArchive([{ name: 'init', mode: 0o100755, body: Buffer.alloc(2 ** 27) }]);

test('unpack ends without a message when its reader goes away', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'large.img'), large);
  const child = startCli(folder, ['unpack', 'large.img', '-o', '-']);
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.is(code, 0);
  t.is(stderr, '');
});

test('an interrupted unpack leaves nothing behind', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'large.img'), large);
  const watcher = watch(folder);
  const child = startCli(folder, ['unpack', 'large.img', '-o', 'root']);
  // The first name that appears is that of the temporary folder.
  watcher.once('change', () => child.kill('SIGINT'));
  const code = await new Promise((resolve) => child.once('close', resolve));
  watcher.close();
  t.is(code, 130);
  t.deepEqual(await readdir(folder), ['large.img']);
});
