import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, createTestFolder, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { cli } from '../fixtures/images/moby.js';

const readers = 'build plan inspect ls cat diff unpack repack verify status apply reapply watch'.split(' ');

for (const command of readers) {
  test(`${command} names the option that raises a limit`, async (t) => {
    const { stdout } = await callMoby([command, '--help'], '/', {});
    for (const option of ['--max-size', '--max-ratio', '--max-entries'])
      t.true(stdout.includes(option), option);
  });
}

const three = gzip(createArchive([file('a', 'x'.repeat(100_000)), file('b', ''), file('c', '')]));

for (const [options, code, hint] of [
  [['--max-size', '50K'], 'image-too-large', /--max-size/],
  [['--max-ratio', '2'], 'image-too-large', /--max-size/],
  [['--max-entries', '2'], 'image-too-large', /--max-entries 4/],
  [['--max-size', '1M'], undefined, /^$/],
  [['--max-ratio', '2', '--max-size', '1M'], 'image-too-large', /--max-size/],
  [['--max-ratio', '1000', '--max-entries', '3'], undefined, /^$/],
] as const) {
  test(`ls ${options.join(' ')}: ${code ?? 'taken'}`, async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(join(folder, 'image'), three);
    const { code: exit, stdout, stderr } = await callMoby(['ls', 'image', ...options], folder, {});
    t.is(exit, code === undefined ? 0 : 2, stderr);
    if (code === undefined) t.is(stdout, 'a\nb\nc\n');
    else t.true(stderr.includes(code));
    t.regex(stderr, hint);
  });
}

for (const text of ['0', '-1', '1.5G', 'many', '9999999999T']) {
  test(`--max-size ${text} is refused`, async (t) => {
    const { code, stderr } = await callMoby(['ls', 'image', `--max-size=${text}`], '/', {});
    t.is(code, 2);
    t.regex(stderr, /wanted a number of bytes, like 500M or 16G/);
  });
}

/** Writes a piece again and again until the program ends; its exit code and what it said. */
async function feedEndlessly(folder: string, args: readonly string[], piece: Buffer, first = piece) {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  child.stdin.on('error', () => {});
  const push = () => {
    while (child.stdin.writable && child.stdin.write(piece));
  };
  child.stdin.on('drain', push);
  child.stdin.write(first);
  push();
  const [code] = await once(child, 'close');
  return { code, said };
}

for (const [what, args, piece, first, wanted] of [
  ['of no image', ['inspect', '-'], Buffer.from('y\n'.repeat(8192)), undefined, /image-invalid/],
  ['of no tar', ['repack', '-', '-o', 'x'], Buffer.from('y\n'.repeat(8192)), undefined, /tar-header/],
  ['of zeros', ['ls', '-', '--max-size', '20M'], Buffer.alloc(65_536), undefined, /input-too-large/],
  ['behind an image', ['ls', '-', '--max-size', '20M'], Buffer.alloc(65_536), three, /input-too-large/],
] as const) {
  test(`an endless standard input ${what} is refused`, async (t) => {
    const { code, said } = await feedEndlessly(await createTestFolder(t), args, piece, first);
    t.is(code, 2, said);
    t.regex(said, wanted);
  });
}

test('ls ends without a message when its reader goes away', async (t) => {
  const folder = await createTestFolder(t);
  const many = Array.from({ length: 30_000 }, (_, index) => file(`${'name'.repeat(20)}-${index}`, ''));
  await writeFile(join(folder, 'image'), gzip(createArchive(many), 1));
  const child = spawn(process.execPath, [cli, 'ls', 'image'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code, signal] = await once(child, 'close');
  t.deepEqual([code, signal, said], [0, null, '']);
});
