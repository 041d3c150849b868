import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSpool } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Change } from '#src/model/image/change.js';
import type { ModeOptions } from '#src/repack/write-changes.js';
import { writeChanges } from '#src/repack/write-changes.js';
import { checkOutput } from '#src/verify/check-output.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  readText,
  symlink,
} from '../fixtures/archive.js';
import { put, remove } from '../fixtures/changes.js';
import { collect } from '../fixtures/memory-archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { readUnpacked, repack, repackTar, unpack, unpackTar } from '../fixtures/round-trip.js';

const trailer = 'TRAILER!!!';
const link = { ino: 9, nlink: 2 };
/** What a kernel makes of each was seen by booting (test/differential/scenarios.ts). */
const members: readonly Member[] = [
  directory('.'),
  file('a', 'one body', link),
  symlink(trailer, 'init', { mtime: 4 }),
  { ...node(trailer, 0o010644), body: 'skipped' },
  file('a2', '', link),
  file(trailer, 'its body is skipped'),
  file('b', 'another', link),
  directory(trailer),
  file('c', 'a third', link),
  file('init', '#!/bin/sh'),
];

async function write(
  t: ExecutionContext,
  image: Image,
  changes: readonly Change[],
  options: ModeOptions = { mode: 'rewrite' },
): Promise<Image> {
  const spool = createSpool(await createTestFolder(t));
  const written = await openBytes(
    t,
    await collect(writeChanges(image, changes, { spool, ...options }).bytes),
  );
  await checkOutput(image, written, changes);
  return written;
}

for (const [what, bytes] of [
  ['raw', createArchive(members)],
  ['gzip', gzip(createArchive(members))],
] as const) {
  test(`${what}: a symlink and a skipped record of that name end nothing, a body behind one that does is no entry`, async (t) => {
    const image = await openBytes(t, bytes);
    t.deepEqual([...image.entries.keys()], ['', 'a', trailer, 'a2', 'b', 'c', 'init']);
    t.like(image.entries.get(trailer), { type: 'symlink', target: 'init', mtime: 4 });
    t.is(image.entries.get('a2')?.link, image.entries.get('a')?.link);
    t.is(await readText(image, 'b'), 'another');
    t.is(image.entries.get('c')?.link, undefined);
    t.deepEqual(
      image.dropped.map(({ record, reason }) => [record.name, reason]),
      [[trailer, 'a fifo cannot have a body']],
    );
  });

  test(`${what}: unpacked and repacked it has the same bytes`, async (t) => {
    const image = await openBytes(t, bytes);
    for (const again of [await repack(t, await unpack(t, image)), await repackTar(t, await unpackTar(image))])
      t.true((await readUnpacked(again.image)).equals(createArchive(members)));
  });

  test(`${what}: a change leaves all other records as they are`, async (t) => {
    const image = await openBytes(t, bytes);
    const written = await write(t, image, [put('c', 'a change')]);
    const wanted = members.map((member) => (member.name === 'c' ? { ...member, body: 'a change' } : member));
    const [old, found] = [createArchive(wanted), await readUnpacked(written)];
    // The header of what was changed has another time and owner.
    const at = old.indexOf('c\0') - 110;
    t.true(found.subarray(0, at).equals(old.subarray(0, at)));
    const rest = old.indexOf('a change');
    t.is(found.subarray(rest, old.length).toString('latin1'), old.subarray(rest).toString('latin1'));
  });
}

test('a body of more than 32 KiB behind a TRAILER stays where nothing changes, else it goes', async (t) => {
  const long = [file('a', 'x'), file(trailer, 'z'.repeat(40_000)), file('init', 'y')];
  const image = await openBytes(t, gzip(createArchive(long)));
  t.deepEqual([...image.entries.keys()], ['a', 'init']);
  const written = await write(t, image, [put('a', 'other')]);
  t.deepEqual([...written.entries.keys()], ['a', 'init']);
  t.true((await readUnpacked(written)).length < 1000);
  const { image: again } = await repack(t, await unpack(t, image));
  t.deepEqual([...again.entries.keys()], ['a', 'init']);
});

const plain = [directory('.'), file('init', 'x')];
const standing: readonly [string, readonly Member[]][] = [
  ['nothing', plain],
  ['a symlink', [...plain, symlink(trailer, 'elsewhere')]],
  ['a skipped fifo', [...plain, { ...node(trailer, 0o010644), body: 'skipped' }]],
  ['a file', [...plain, file(`./${trailer}`, 'old')]],
];
for (const [what, old] of standing) {
  for (const mode of ['rewrite', 'append'] as const) {
    test(`an entry of that name is written with ./ in front, where ${what} stands: ${mode}`, async (t) => {
      const image = await openBytes(t, createArchive(old));
      const changes = [put(trailer, 'a new file'), put('z', 'behind')];
      const written = await write(t, image, changes, { mode });
      t.is(await readText(written, trailer), 'a new file');
      t.is(await readText(written, 'z'), 'behind');
      t.is(written.records.findLast(({ name }) => name.endsWith(trailer))?.name, `./${trailer}`);
    });
  }
}

test('a symlink of that name can be removed', async (t) => {
  const image = await openBytes(t, gzip(createArchive(members)));
  const written = await write(t, image, [remove(trailer)]);
  t.deepEqual([...written.entries.keys()], ['', 'a', 'a2', 'b', 'c', 'init']);
});

declareTest(
  findMissingProgram('cpio', 'bsdtar'),
  'other readers read on behind a file of that name that we have written',
  async (t) => {
    const image = await openBytes(t, createArchive(plain));
    const written = await write(t, image, [put(trailer, 'a new file'), put('z', 'behind')]);
    const input = await readFile(written.file);
    const list = (program: string, ...argv: string[]) =>
      execFileSync(program, argv, { input, encoding: 'utf8' }).trim().split('\n');
    const wanted = ['.', 'init', `./${trailer}`, 'z'];
    t.deepEqual(list('cpio', '-t', '--quiet'), wanted);
    t.deepEqual(list('bsdtar', '-t', '-f', '-'), wanted);
  },
);

test('a folder with a file of that name becomes an image that has it', async (t) => {
  const image = await openBytes(t, gzip(createArchive(plain)));
  const folder = await unpack(t, image);
  await writeFile(join(folder, trailer), 'from a folder');
  await writeFile(join(folder, 'z'), 'behind');
  const { image: written } = await repack(t, folder);
  t.is(await readText(written, trailer), 'from a folder');
  t.is(await readText(written, 'z'), 'behind');
});

test('a sidecar whose record is a TRAILER is refused', async (t) => {
  const image = await openBytes(t, createArchive([...plain, symlink(trailer, 'elsewhere')]));
  const folder = await unpack(t, image);
  const path = `${folder}.moby-patch.jsonl`;
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => {
    if (!line.includes('"elsewhere"')) return line;
    const record = JSON.parse(line);
    const raw = Buffer.from(record.raw, 'base64');
    raw.write('000081A4', 14, 'latin1');
    return JSON.stringify({ ...record, raw: raw.toString('base64') });
  });
  await writeFile(path, lines.join('\n'));
  await t.throwsAsync(repack(t, folder), { code: 'sidecar-invalid', message: /a TRAILER/ });
});
