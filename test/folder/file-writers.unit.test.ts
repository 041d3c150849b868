import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createFileThreads, createFileWriters } from '#src/folder/file-writers.js';
import { createTestFolder } from '../fixtures/archive.js';

const metadata = { type: 'file', mode: 0o754, uid: 0, gid: 0, mtime: 77 } as const;
const noise = (size: number, seed: number) => Buffer.alloc(size, `${seed} and so on, `);

for (const [where, create] of [
  ['here, then in threads', createFileWriters],
  ['in threads', createFileThreads],
] as const) {
  test(`${where}: files of every length are written, each with its digest`, async (t) => {
    const folder = await createTestFolder(t);
    await using writers = create();
    const sizes = [
      0,
      1,
      70_000,
      9_000_000,
      5,
      3_000_000,
      ...Array.from({ length: 200 }, (_, at) => at * 300),
    ];
    const told = new Map<number, string>();
    for (const [index, size] of sizes.entries()) {
      writers.begin(Buffer.from(join(folder, `f${index}`)));
      const body = noise(size, index);
      for (let at = 0; at < size; at += 500_000) {
        const piece = Buffer.from(body.subarray(at, at + 500_000));
        writers.data(piece);
        piece.fill(0);
        await writers.room();
      }
      writers.end(metadata, (sha256) => told.set(index, sha256));
    }
    await writers.finish();
    for (const [index, size] of sizes.entries()) {
      const body = await readFile(join(folder, `f${index}`));
      t.true(body.equals(noise(size, index)), `${index}`);
      t.is(told.get(index), createHash('sha256').update(body).digest('hex'));
      const { mode, mtimeMs } = await stat(join(folder, `f${index}`));
      t.is(mode & 0o7777, 0o754);
      t.is(mtimeMs, 77_000);
    }
  });

  test(`${where}: a name that is taken is an error, and the old file stays`, async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(join(folder, 'taken'), 'mine');
    await using writers = create();
    await t.throwsAsync(
      async () => {
        for (let round = 0; round < 40; round += 1) {
          writers.begin(Buffer.from(join(folder, round === 0 ? 'taken' : `f${round}`)));
          writers.data(noise(1_000_000, 1));
          writers.end(metadata, () => {});
          await writers.room();
        }
        await writers.finish();
      },
      { message: /EEXIST/ },
    );
    t.is(await readFile(join(folder, 'taken'), 'utf8'), 'mine');
  });
}

test('threads that are ended in the middle of a file write nothing more, and are not awaited', async (t) => {
  const folder = await createTestFolder(t);
  const writers = createFileThreads();
  writers.begin(Buffer.from(join(folder, 'f')));
  for (let round = 0; round < 20; round += 1) writers.data(noise(1_000_000, round));
  const room = writers.room();
  await writers[Symbol.asyncDispose]();
  const { size } = await stat(join(folder, 'f')).catch(() => ({ size: 0 }));
  await room;
  await t.throwsAsync(writers.finish(), { message: /ended/ });
  writers.data(noise(2_000_000, 1));
  t.is((await stat(join(folder, 'f')).catch(() => ({ size: 0 }))).size, size);
});
