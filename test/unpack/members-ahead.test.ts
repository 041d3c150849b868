import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { noCache } from '#src/io/cache.js';
import type { MemberRange } from '#src/model/image/layout.js';
import { knownMembers } from '#src/unpack/known-members.js';
import { openScanned } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, file, gzip, readText, signal } from '../fixtures/archive.js';

const names = Array.from({ length: 12 }, (_, index) => `file-${index}`);
const bodies = names.map((_, index) => randomBytes(1000 * 2 ** index).toString('hex'));
/** One archive cut between entries; one of its members is too large to be read ahead. */
const members = names.map((name, index) =>
  gzip(createArchive([file(name, bodies[index] ?? '')], { trailer: index === names.length - 1 })),
);
const image = Buffer.concat(members);
const starts = members.map((_, index) => Buffer.concat(members.slice(0, index)).length);
const ranges = starts.map((offset, index) => ({ offset, end: starts[index + 1] ?? image.length }));
const shifted = ranges.map(({ offset, end }) => ({ offset: offset + 1, end: end + 1 }));
const byOffset = (a: MemberRange, b: MemberRange) => a.offset - b.offset;

const standingAt = (places: readonly MemberRange[]) =>
  knownMembers({ cache: noCache, scope: '', members: places });

const known: readonly [what: string, ranges: readonly MemberRange[]][] = [
  ['nothing', []],
  ['each member', ranges],
  ['some of them', ranges.filter((_, index) => index % 2 === 1)],
  ['wrong places', shifted],
  ['right and wrong places', [...ranges, ...shifted].sort(byOffset)],
  ['wrong ends', ranges.map(({ offset, end }, index) => ({ offset, end: index % 2 ? end - 1 : end + 1 }))],
  ['places behind the end', [...ranges, { offset: image.length + 100, end: image.length + 200 }]],
];

for (const [what, given] of known) {
  test(`an image is the same whatever is said about its members: ${what}`, async (t) => {
    const path = join(await createTestFolder(t), 'image');
    await writeFile(path, image);
    await using plain = await openScanned(path, { signal, digest: true });
    await using read = await openScanned(path, { signal, digest: true, shortcut: standingAt(given) });
    t.deepEqual(read.layout, plain.layout);
    t.is(read.layout.segments[0]?.members, members.length);
    t.deepEqual([...read.digests.values()], [...plain.digests.values()]);
    for (const name of ['file-0', 'file-7', 'file-11'])
      t.is(await readText(read, name), await readText(plain, name));
  });

  test(`damage is found in the same place whatever is said about the members: ${what}`, async (t) => {
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
      const told = (given?: readonly MemberRange[]) =>
        openScanned(path, { signal, digest: true, shortcut: given && standingAt(given) }).then(
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
