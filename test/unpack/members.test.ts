import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { noteMembers } from '#src/compress/gzip-ahead.js';
import { noCache } from '#src/io/cache.js';
import { knownMembers } from '#src/unpack/known-members.js';
import { openImage } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, file, gzip, readText, signal } from '../fixtures/archive.js';

const names = Array.from({ length: 12 }, (_, index) => `file-${index}`);
const bodies = names.map((_, index) => randomBytes(1000 * 2 ** index).toString('hex'));
/** One archive cut between entries; a member that is larger than what is read ahead among them. */
const members = names.map((name, index) =>
  gzip(createArchive([file(name, bodies[index] ?? '')], { trailer: index === names.length - 1 })),
);
const image = Buffer.concat(members);
const starts = members.map((_, index) => Buffer.concat(members.slice(0, index)).length);
const other = starts.map((start) => start + 1);

const startingAt = (places: readonly number[]) => knownMembers({ cache: noCache, scope: '', starts: places });

const known: readonly [what: string, starts: readonly number[]][] = [
  ['nothing', []],
  ['each member', starts],
  ['some of them', starts.filter((_, index) => index % 2 === 1)],
  ['wrong places', other],
  ['right and wrong places', [...starts, ...other].sort((a, b) => a - b)],
  ['places behind the end', [...starts, image.length + 100]],
];

for (const [what, given] of known) {
  test(`an image is the same whoever says where its members begin: ${what}`, async (t) => {
    const path = join(await createTestFolder(t), 'image');
    await writeFile(path, image);
    await using plain = await openImage(path, { signal, digest: true });
    await using read = await openImage(path, { signal, digest: true, shortcut: startingAt(given) });
    t.deepEqual(read.layout, plain.layout);
    t.is(read.layout.segments[0]?.members, members.length);
    t.deepEqual([...read.digests.values()], [...plain.digests.values()]);
    for (const name of ['file-0', 'file-7', 'file-11'])
      t.is(await readText(read, name), await readText(plain, name));
  });

  test(`damage is found in the same place whoever says where members begin: ${what}`, async (t) => {
    const path = join(await createTestFolder(t), 'image');
    for (const at of [
      (starts[3] ?? 0) + 500,
      (starts[4] ?? 0) - 6,
      (starts[7] ?? 0) - 1,
      (starts[8] ?? 0) + 4,
    ]) {
      const damaged = Buffer.from(image);
      damaged.writeUInt8((damaged[at] ?? 0) ^ 0x55, at);
      await writeFile(path, damaged);
      const told = (given?: readonly number[]) =>
        openImage(path, { signal, digest: true, shortcut: given && startingAt(given) }).then(
          async (opened) => {
            await opened[Symbol.asyncDispose]();
            return 'opened';
          },
          ({ code, offset, message }) => ({ code, offset, message }),
        );
      t.deepEqual(await told(given), await told(), `at ${at}`);
    }
  });
}

test('the places where members begin are noted as they pass', async (t) => {
  const noted: number[] = [];
  const source = (async function* () {
    yield Buffer.from('zeros before');
    yield* members;
  })();
  let size = 0;
  for await (const piece of noteMembers(source, noted)) size += piece.length;
  t.is(size, image.length + 12);
  t.deepEqual(
    noted,
    starts.map((start) => start + 12),
  );
});
