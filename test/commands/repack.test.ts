import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { testNeeding } from '../fixtures/needs.js';

const image = Buffer.concat([
  pad(gzip(createArchive([directory('.'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]), 4)),
  pad(gzip(createArchive([directory('.'), file('second', 'x')]), 4)),
]);

async function unpack(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  t.is((await callMoby(['unpack', 'initrd.img', '-o', 'root'], folder, {})).code, 0);
  return folder;
}

test('an untouched folder gives an image without a difference', async (t) => {
  const folder = await unpack(t);
  const { code, stdout } = await callMoby(['repack', 'root', '-o', 'out.img', '--json'], folder, {});
  t.is(code, 0);
  const written = JSON.parse(stdout);
  t.like(written, { output: join(folder, 'out.img'), diff: { added: 0, changed: 0, removed: 0 } });
  t.is(written.size, (await readFile(join(folder, 'out.img'))).length);
  const diff = await callMoby(['diff', 'initrd.img', 'out.img', '--json'], folder, {});
  t.deepEqual(JSON.parse(diff.stdout).differences, []);
});

test('with the original image, unchanged parts are copied from it', async (t) => {
  const folder = await unpack(t);
  const args = ['repack', 'root', '--original', 'initrd.img', '-o', 'out.img'];
  t.is((await callMoby(args, folder, {})).code, 0);
  t.true((await readFile(join(folder, 'out.img'))).equals(image));
  await writeFile(join(folder, 'root/second'), 'changed');
  t.is((await callMoby(args, folder, {})).code, 0);
  const first = image.subarray(0, image.indexOf(0x1f8b0800, 1) - 1);
  t.true((await readFile(join(folder, 'out.img'))).subarray(0, first.length).equals(first));
  await writeFile(join(folder, 'other.img'), gzip(createArchive([file('init', 'x')])));
  const other = await callMoby(
    ['repack', 'root', '--original', 'other.img', '-o', 'other-out.img'],
    folder,
    {},
  );
  t.is(other.code, 2);
  t.regex(other.stderr, /original-differs/);
});

test('a folder without a sidecar becomes one archive, with a warning', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'root/etc'), { recursive: true });
  await writeFile(join(folder, 'root/init'), '#!/bin/sh\n');
  await chmod(join(folder, 'root/init'), 0o755);
  const { code, stderr } = await callMoby(
    ['repack', 'root', '-o', 'out.img', '--compression', 'none'],
    folder,
    {},
  );
  t.is(code, 0);
  t.regex(stderr, /there is no .*root\.moby-patch\.jsonl/);
  const listed = await callMoby(['ls', 'out.img', '--json'], folder, {});
  const entries = JSON.parse(listed.stdout);
  t.deepEqual(
    entries.map(({ path, uid }: { path: string; uid: number }) => [path, uid]),
    [
      ['', 0],
      ['etc', 0],
      ['init', 0],
    ],
  );
});

const refused: readonly [string, readonly string[], RegExp][] = [
  ['no such folder', ['repack', 'nowhere', '-o', 'out.img'], /input-unreadable/],
  [
    'a codec that is none',
    ['repack', 'root', '-o', 'out.img', '--compression', 'gzp'],
    /compression-unknown/,
  ],
  ['a level that is none', ['repack', 'root', '-o', 'out.img', '--level', '99'], /level-invalid/],
  [
    'a sidecar that is not there',
    ['repack', 'root', '-o', 'out.img', '--sidecar', 'none'],
    /sidecar-unreadable/,
  ],
  [
    'a file that is neither tar nor image',
    ['repack', 'root.moby-patch.jsonl', '-o', 'out.img'],
    /root\.moby-patch\.jsonl: .*\[tar-(header|truncated)\]\n.*uncompressed tar/,
  ],
  ['no output', ['repack', 'root'], /output-missing/],
];

for (const [what, args, wanted] of refused) {
  test(`${what} is exit 2, and the old output stays`, async (t) => {
    const folder = await unpack(t);
    await writeFile(join(folder, 'out.img'), 'precious');
    const { code, stderr } = await callMoby(args, folder, {});
    t.is(code, 2);
    t.regex(stderr, wanted);
    t.is(await readFile(join(folder, 'out.img'), 'utf8'), 'precious');
    t.deepEqual((await readdir(folder)).sort(), ['initrd.img', 'out.img', 'root', 'root.moby-patch.jsonl']);
  });
}

testNeeding('cpio')('the images of GNU cpio and of a changed folder agree', async (t) => {
  const { execFileSync } = await import('node:child_process');
  const folder = await unpack(t);
  await writeFile(join(folder, 'root/added'), 'text');
  await rm(join(folder, 'root/second'));
  t.is((await callMoby(['repack', 'root', '-o', 'out.img', '--compression', 'none'], folder, {})).code, 0);
  const listed = execFileSync('cpio', ['--quiet', '-t'], { input: await readFile(join(folder, 'out.img')) });
  t.is(listed.toString(), '.\ninit\nadded\n');
});

test('an image is written anew: what a kernel refuses of its archives is gone, and their entries stay', async (t) => {
  const folder = await createTestFolder(t);
  const archive = createArchive([
    directory('etc'),
    file('etc/long', 'text '.repeat(3000)),
    file('init', '#!/bin/sh\n'),
  ]);
  const refused = {
    'cut.img': Buffer.concat([gzip(archive.subarray(0, 9000)), gzip(archive.subarray(9000))]),
    'empty.img': Buffer.concat([gzip(Buffer.alloc(0)), gzip(archive)]),
    'zeros.img': gzip(Buffer.concat([Buffer.alloc(512), archive])),
    // Its bytes are no octal digits where a tar has its checksum, or zeros.
    'unpadded.img': gzip(createArchive([file('etc', 'x')], { trailer: false }).subarray(0, -3), 0),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    await writeFile(join(folder, name), bytes);
    const hazards = async (image: string) =>
      JSON.parse((await callMoby(['inspect', '--json', image], folder, {})).stdout).hazards.map(
        ({ code, hint }: { readonly code: string; readonly hint: string }) => `${code}: ${hint}`,
      );
    const [first = ''] = await hazards(name);
    t.true(first.endsWith(`moby-patch repack ${name} -o mended.img`), first);
    const { code, stderr } = await callMoby(['repack', name, '-o', 'mended.img'], folder, {});
    t.is(code, 0, stderr);
    t.false((await hazards('mended.img')).some((hazard: string) => /^(first|member)-/.test(hazard)));
    const diff = await callMoby(['diff', '--json', name, 'mended.img'], folder, {});
    t.deepEqual(JSON.parse(diff.stdout).differences, []);
  }
});
