import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import type { Report } from '#src/model/result/report.js';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { findMissingCodec } from '../fixtures/codecs.js';
import { callMoby } from '../fixtures/command-context.js';
import { encodeLz4 } from '../fixtures/lz4-frame.js';
import { declareTest } from '../fixtures/needs.js';
import { motd, writePatch } from './project.js';

/** With a blank of its own, without a TRAILER, raw and compressed, of lengths that are and are not multiples of four. */
const files = {
  'ucode.img': pad(createArchive([directory('kernel'), file('kernel/ucode', 'micro')]), 512),
  'main.img': gzip(
    createArchive([directory('.'), directory('etc'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]),
  ),
  'open.img': Buffer.concat([
    gzip(createArchive([file('etc/open', 'no TRAILER')], { trailer: false })),
    Buffer.alloc(1),
  ]),
  'raw.img': createArchive([file('etc/raw', 'nor here')], { trailer: false }),
  'last.img': createArchive([file('etc/last', 'last')]),
} as const;
const names = Object.keys(files);
const images = names.flatMap((name) => ['-i', name]);

async function createFiles(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  await writePatch(folder, motd);
  return folder;
}

const call = (folder: string, ...args: string[]) => callMoby(args, folder, {});

/** As a boot loader puts them into memory. */
function join4(parts: readonly Uint8Array[]): Buffer {
  return parts.reduce<Buffer>((all, part) => Buffer.concat([pad(all), part]), Buffer.alloc(0));
}

interface Inspected {
  readonly size: number;
  readonly segments: readonly { readonly offset: number; readonly end: number; readonly kind: string }[];
  readonly files: readonly {
    readonly name: string;
    readonly offset: number;
    readonly end: number;
    readonly segments: number[];
  }[];
}

test('inspect joins files as loaders do, and says what is in which file', async (t) => {
  const folder = await createFiles(t);
  const { stdout } = await call(folder, 'inspect', ...names, '--json');
  const inspected: Inspected = JSON.parse(stdout.toString());
  t.is(inspected.size, join4(Object.values(files)).length);
  let at = 0;
  for (const [index, [name, bytes]] of Object.entries(files).entries()) {
    at += (4 - (at % 4)) % 4;
    t.like(inspected.files[index], { name, offset: at, end: at + bytes.length });
    const own = inspected.files[index]?.segments.map((each) => inspected.segments[each]) ?? [];
    t.is(own[0]?.offset, at);
    t.is(own.at(-1)?.end, at + bytes.length);
    at += bytes.length;
  }
  const text = (await call(folder, 'inspect', ...images)).stdout.toString();
  const headings = [...text.matchAll(/^(\S+): \d+ to \d+, (\d+) bytes, sha256 [0-9a-f]{64}$/gm)];
  t.deepEqual(
    headings.map(([, name, size]) => [name, Number(size)]),
    Object.entries(files).map(([name, bytes]) => [name, bytes.length]),
  );
});

test('ls, cat, diff and unpack read several files as one image', async (t) => {
  const folder = await createFiles(t);
  const wanted = ['.', 'kernel', 'kernel/ucode', 'etc', 'init', 'etc/open', 'etc/raw', 'etc/last'];
  for (const args of [images, names]) {
    const { stdout } = await call(folder, 'ls', ...args);
    t.deepEqual(stdout.toString().trim().split('\n'), wanted);
  }
  t.is((await call(folder, 'ls', ...names, 'etc/*')).stdout.toString(), 'etc/open\netc/raw\netc/last\n');
  await writeFile(join(folder, 'init'), 'not an image');
  t.is((await call(folder, 'ls', 'main.img', 'init')).stdout.toString(), 'init\n', 'a path, not a file');
  t.is((await call(folder, 'cat', ...images, 'etc/last')).stdout.toString(), 'last');
  await writeFile(join(folder, 'joined'), join4(Object.values(files)));
  t.regex(
    (await call(folder, 'diff', ...images, 'joined')).stdout.toString(),
    /^0 added, 0 changed, 0 removed/m,
  );
  const { code, stderr } = await call(folder, 'diff', 'main.img');
  t.is(code, 2);
  t.regex(stderr, /found 1 images, wanted two.*\[images-not-two\]/);
});

test('without a patch the joined output is the joined input, and each single file is what it was', async (t) => {
  const folder = await createFiles(t);
  t.is((await call(folder, 'build', '-q', ...images, '--no-verify', '-o', 'out.img')).code, 0);
  t.deepEqual(await readFile(join(folder, 'out.img')), join4(Object.values(files)));
  const split = await call(folder, 'build', '-q', ...images, '--no-verify', '--split', 'out');
  t.is(split.code, 0, split.stderr);
  t.deepEqual((await readdir(join(folder, 'out'))).sort(), names.toSorted());
  for (const [name, bytes] of Object.entries(files))
    t.deepEqual(await readFile(join(folder, 'out', name)), Buffer.from(bytes), name);
});

for (const mode of ['rewrite', 'append'])
  test(`${mode}: files that no patch touches are the same bytes, and all joined are what was checked`, async (t) => {
    const folder = await createFiles(t);
    const argv = [...images, '-p', 'motd', '--no-verify', '--mode', mode, '--split', 'out', '--json'];
    const { stdout, stderr } = await call(folder, 'build', '-q', ...argv);
    const { after, error, manifest }: Report = JSON.parse(stdout.toString());
    t.is(error, undefined, stderr);
    const parts: Buffer[] = [];
    for (const name of names) parts.push(await readFile(join(folder, 'out', name)));
    const changed = names.filter((name, index) => !parts[index]?.equals(files[name as keyof typeof files]));
    t.deepEqual(changed, [mode === 'append' ? 'last.img' : 'main.img']);
    await writeFile(join(folder, 'joined'), join4(parts));
    const inspected = JSON.parse((await call(folder, 'inspect', 'joined', '--json')).stdout.toString());
    t.is(inspected.sha256, after?.sha256);
    t.is((await call(folder, 'cat', 'joined', 'etc/motd')).stdout.toString(), 'hello world\n');
    const { output } = JSON.parse(await readFile(manifest ?? '', 'utf8'));
    t.like(output, {
      name: 'out',
      files: names.map((name, index) => ({ name, size: parts[index]?.length })),
    });
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('.')),
      [],
      'nothing is left',
    );
  });

test('a lock of single files holds the build to them, and they are as private as the most private of them', async (t) => {
  const folder = await createFiles(t);
  await chmod(join(folder, 'ucode.img'), 0o600);
  await writeFile(
    join(folder, 'moby-patch.yaml'),
    `image: [${names.join(', ')}]\nsplit: out\npatches: [motd]\n`,
  );
  t.is((await call(folder, 'build', '-q', '--no-verify')).code, 0);
  for (const name of names) t.is((await stat(join(folder, 'out', name))).mode & 0o777, 0o600, name);
  const locked = await call(folder, 'lock');
  t.is(locked.code, 0, locked.stderr);
  const again = await call(folder, 'build', '-q', '--no-verify', '--locked');
  t.is(again.code, 0, again.stderr);
  await writeFile(join(folder, 'out/last.img'), 'changed');
  t.regex((await call(folder, 'lock')).stderr, /\[lock-output\]/);
});

test('a first file of any length is followed by the others as they were', async (t) => {
  const folder = await createFiles(t);
  // The texts move the end of what is compressed over all places between two multiples of four.
  for (const text of ['a', 'bc', 'def', 'ghij', 'klmno']) {
    await writePatch(folder, motd.replace('hello', text));
    const argv = [...images, '-p', 'motd', '--no-verify', '--split', 'out'];
    t.is((await call(folder, 'build', '-q', ...argv)).code, 0);
    for (const name of ['ucode.img', 'open.img', 'raw.img', 'last.img'] as const)
      t.deepEqual(await readFile(join(folder, 'out', name)), Buffer.from(files[name]), `${text} ${name}`);
  }
});

test('unpack remembers the files, and repack gives them back', async (t) => {
  const folder = await createFiles(t);
  t.is((await call(folder, 'unpack', ...images, '-o', 'root')).code, 0);
  const same = await call(
    folder,
    'repack',
    'root',
    ...names.flatMap((name) => ['--original', name]),
    '--split',
    'out',
  );
  t.is(same.code, 0, same.stderr);
  for (const [name, bytes] of Object.entries(files))
    t.deepEqual(await readFile(join(folder, 'out', name)), Buffer.from(bytes), name);
  await writeFile(join(folder, 'root/etc/added'), 'added');
  await rm(join(folder, 'out'), { recursive: true });
  const { code, stderr } = await call(folder, 'repack', 'root', '--split', 'out');
  t.is(code, 0, stderr);
  t.is(
    (
      await call(folder, 'cat', ...names.flatMap((name) => ['-i', `out/${name}`]), 'etc/added')
    ).stdout.toString(),
    'added',
  );
});

test('a faulty file is named with the place in it', async (t) => {
  const folder = await createFiles(t);
  const broken = Buffer.from(files['main.img']).subarray(0, 60);
  await writeFile(join(folder, 'broken.img'), broken);
  await writeFile(join(folder, 'text.img'), 'no image at all');
  const cut = await call(folder, 'inspect', 'ucode.img', 'broken.img', 'last.img');
  t.is(cut.code, 2);
  t.regex(cut.stderr, /broken\.img: .*\(at byte (60|\d\d?)\) \[image-truncated\]/);
  const none = await call(folder, 'inspect', 'ucode.img', 'text.img');
  t.regex(none.stderr, /text\.img: .*\(at byte 0\) \[image-invalid\]/);
  const missing = await call(folder, 'inspect', '-i', 'ucode.img', '-i', 'none.img');
  t.regex(missing.stderr, /none\.img.*\[image-unknown\]/);
});

test('what cannot be written back is refused before any work', async (t) => {
  const folder = await createFiles(t);
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other/main.img'), files['main.img']);
  const build = (...args: string[]) => call(folder, 'build', '-q', '--no-verify', ...args);
  const twice = await build('-i', 'main.img', '-i', 'other/main.img', '--split', 'out');
  t.regex(twice.stderr, /\[split-names\]/);
  const same = await build('-i', 'ucode.img', '-i', 'main.img', '--split', '.');
  t.regex(same.stderr, /\[output-is-input\]/);
  const both = await build('-i', 'ucode.img', '-i', 'main.img', '--split', 'out', '-o', 'out.img');
  t.regex(both.stderr, /\[output-twice\]/);
  await writeFile(join(folder, 'file'), '');
  const taken = await build('-i', 'ucode.img', '-i', 'main.img', '--split', 'file');
  t.regex(taken.stderr, /\[output-unwritable\]/);
  t.deepEqual([twice.code, same.code, both.code, taken.code], [2, 2, 2, 2]);
});

test('moby-patch.yaml names several files, too; an installed image is one', async (t) => {
  const folder = await createFiles(t);
  await writeFile(join(folder, 'moby-patch.yaml'), `image: [${names.join(', ')}]\nsplit: out\n`);
  t.is((await call(folder, 'build', '-q', '--no-verify')).code, 0);
  t.deepEqual((await readdir(join(folder, 'out'))).sort(), names.toSorted());
  const { code, stderr } = await call(folder, 'status');
  t.is(code, 2);
  t.regex(stderr, /found 5 files, wanted one.*\[image-several\]/);
});

test('an option that takes one value is refused when it is given twice, by every command', async (t) => {
  const folder = await createFiles(t);
  const rows = [
    ['build', '-i', 'main.img', '-o', 'a', '-o', 'b'],
    ['build', '-i', 'main.img', '--level', '3', '--level=3'],
    ['plan', '-i', 'main.img', '--kernel', 'a', '--kernel', 'b'],
    ['inspect', 'main.img', '--memory', '1', '--memory', '2'],
    ['ls', 'main.img', '--max-size', '1G', '--max-size', '2G'],
    ['verify', 'main.img', '--engine', 'x', '--timeout', '1', '--timeout', '2'],
    ['apply', '-i', 'a', '-i', 'b'],
    ['status', '-i', 'a', '-i', 'b'],
    ['host', 'nfs', '--path', 'a', '--path', 'b'],
    ['init', '-i', 'a', '-i', 'b'],
    ['watch', '--interval', '1', '--interval', '2'],
  ];
  for (const argv of rows) {
    const { code, stderr } = await call(folder, ...argv);
    t.is(code, 2, argv.join(' '));
    t.regex(stderr, /was given twice, and takes one value|unknown option/, argv.join(' '));
  }
  t.is(
    (await call(folder, 'build', '-q', '-q', '-i', 'main.img', '--no-verify', '--no-verify', '-o', 'o')).code,
    0,
  );
});

const bootconfig = encodeBootconfig('kernel.panic = 1\n', files['main.img'].length);
const frame = encodeLz4(files['last.img']);

for (const [what, first, said] of [
  ['a boot configuration', Buffer.concat([files['main.img'], bootconfig]), /a boot configuration/],
  ['an lz4 frame', frame, /an lz4 frame/],
  [
    'an lz4 frame with too few zeros',
    Buffer.concat([frame, Buffer.alloc((4 - (frame.length % 4)) % 4)]),
    /an lz4 frame/,
  ],
] as const)
  declareTest(
    what.includes('lz4') ? findMissingCodec('lz4') : undefined,
    `a file that ends with ${what} must be the last, since a kernel reads on`,
    async (t) => {
      const folder = await createFiles(t);
      await writeFile(join(folder, 'first'), first);
      const wrong = await call(folder, 'inspect', 'first', 'last.img');
      t.is(wrong.code, 2);
      t.regex(
        wrong.stderr,
        /^moby-patch: first: it ends with .*\[files-order\]\n {2}try: .*give (?:it|this file) last\n$/,
      );
      t.regex(wrong.stderr, said);
      t.is((await call(folder, 'inspect', 'last.img', 'first')).code, 0);
    },
  );

declareTest(
  findMissingCodec('lz4'),
  'what the error about an lz4 file says to type makes it right',
  async (t) => {
    const folder = await createFiles(t);
    const hello = encodeLz4(createArchive([file('hello', 'hello')]));
    await writeFile(join(folder, 'first'), Buffer.concat([hello, Buffer.alloc(4)]));
    const { code, stdout, stderr } = await call(folder, 'ls', 'first', 'main.img');
    t.is(code, 0, stderr);
    t.is(stdout.toString(), '.\nhello\netc\ninit\n');
  },
);
