import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';

const patch = 'title: A\nsteps:\n  - replace: {path: etc/motd, pattern: one, with: two}\n';

/** A build of a small image with a cache; every build of it gives the same bytes. */
async function setUp(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const members = [
    directory('.'),
    directory('etc'),
    file('etc/motd', 'one\n'),
    ...Array.from({ length: 40 }, (_, index) => file(`etc/noise-${index}`, `${index} `.repeat(20_000))),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
  ];
  await writeFile(join(folder, 'in.img'), gzip(createArchive(members), 1));
  await mkdir(join(folder, 'patches/a'), { recursive: true });
  await writeFile(join(folder, 'patches/a/patch.yaml'), patch);
  const cache = join(folder, 'cache');
  const args = ['build', '-i', 'in.img', '-p', 'a', '--no-verify', '-o', 'out.img'];
  const build = async () => {
    const { code, stderr } = await callMoby(args, folder, { MOBY_PATCH_CACHE: cache });
    t.is(code, 0, stderr);
    return { output: await readFile(join(folder, 'out.img')), stderr };
  };
  const { output } = await build();
  const names = await readdir(cache, { recursive: true, withFileTypes: true });
  const files = names
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath ?? each.path, each.name));
  return { output, build, files: files.sort(), cache };
}

/** The content behind its own digest, so that the cache takes it for what was written. */
async function poison(path: string, change: (content: Buffer) => Buffer): Promise<void> {
  const content = change((await readFile(path)).subarray(32));
  const [kind, , key] = path.split('/').slice(-3);
  const digest = createHash('sha256').update(`${kind} ${key}\n`).update(content).digest();
  await writeFile(path, Buffer.concat([digest, content]));
}

const contents: readonly (readonly [string, (content: Buffer) => Buffer])[] = [
  ['nothing', () => Buffer.alloc(0)],
  ['null', () => Buffer.from('null')],
  ['an object', () => Buffer.from('{"segments":[{}],"rows":[[0]],"runs":[],"bodyOf":[]}')],
  ['other bytes', (content) => content.map((byte, index) => (index % 97 === 50 ? byte ^ 1 : byte)) as Buffer],
  ['half of it', (content) => content.subarray(0, content.length >> 1)],
];

for (const [name, change] of contents) {
  test(`cache entries with ${name} in them, whose digests are right, do no harm and are written anew`, async (t) => {
    const { output, build, files, cache } = await setUp(t);
    t.true(files.length > 2, files.join(' '));
    for (const path of files) await poison(path, change);
    t.deepEqual((await build()).output, output);
    const { output: again, stderr } = await build();
    t.deepEqual(again, output);
    t.notRegex(stderr, /trying again/, 'healed');
    t.true((await readdir(cache)).length > 0);
  });
}

test('a cached list of records that lies is found out, and the build goes on without it', async (t) => {
  const { output, build, files } = await setUp(t);
  const scans = files.filter((path) => path.includes('/scan/'));
  for (const path of scans)
    await poison(path, (content) =>
      Buffer.from(content.toString('latin1').replaceAll('etc/noise-7"', 'etc/noise-X"'), 'latin1'),
    );
  const healed = await build();
  t.regex(healed.stderr, /trying again without what earlier builds left in the cache/);
  t.deepEqual(healed.output, output);
  t.notRegex((await build()).stderr, /trying again/);
});
