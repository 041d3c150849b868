import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, directory, file, gzip, openBytes, symlink } from '../fixtures/archive.js';
import { codecs, pack, testWith } from '../fixtures/codecs.js';
import { repack, repackTar, unpack, unpackTar } from '../fixtures/round-trip.js';

test('an empty symlink, which no folder can have, is in the sidecar alone', async (t) => {
  const bytes = createArchive([directory('.'), symlink('empty', ''), symlink('other', 'x')]);
  const image = await openBytes(t, bytes);
  t.is(image.entries.get('empty')?.target, '');
  const folder = await unpack(t, image);
  t.deepEqual(await readdir(folder), ['other']);
  t.true((await repack(t, folder)).bytes.equals(bytes));
});

test('a symlink target ends at its NUL, as for a kernel, and is repacked as a whole', async (t) => {
  const bytes = createArchive([directory('.'), symlink('cut', 'target\0rest')]);
  const image = await openBytes(t, bytes);
  t.like(image.entries.get('cut'), { target: 'target', size: 6 });
  const folder = await unpack(t, image);
  t.is(await readlink(join(folder, 'cut')), 'target');
  t.true((await repack(t, folder)).bytes.equals(bytes));
  t.true((await repackTar(t, await unpackTar(image))).bytes.equals(bytes));
});

test('files in a /dev or /root that the image does not bring are in the sidecar alone', async (t) => {
  const bytes = createArchive([file('root/.profile', 'x'), directory('dev/shm'), file('dev/shm/y', 'y')]);
  const image = await openBytes(t, bytes);
  t.deepEqual([...image.entries.keys()], ['root/.profile', 'dev/shm', 'dev/shm/y']);
  const folder = await unpack(t, image);
  t.deepEqual(await readdir(folder), []);
  t.true((await lstat(folder)).isDirectory());
  t.true((await repack(t, folder)).bytes.equals(bytes));
});

for (const codec of codecs) {
  testWith(
    [codec],
    `an archive at a wrong place behind ${codec} stays unread when the place moves`,
    async (t) => {
      const bait = createArchive([file('init', 'never read')]);
      const packed = pack(codec, createArchive([directory('.'), file('a', 'x'.repeat(999))]));
      for (const size of [5, 6, 7, 8]) {
        const zeros = Buffer.alloc(size);
        const bytes = Buffer.concat([packed, zeros, bait]);
        const image = await openBytes(t, bytes);
        const { image: again } = await repack(t, await unpack(t, image));
        t.is(again.layout.segments.at(-1)?.kind, image.layout.segments.at(-1)?.kind, `${size} zeros`);
        t.deepEqual([...again.entries.keys()], [...image.entries.keys()]);
      }
    },
  );
}

test('names and targets together have a limit of their own', async (t) => {
  const many = Array.from({ length: 5 }, (_, index) => file(`${index}`.repeat(100), ''));
  const { openImage } = await import('#src/unpack/open-image.js');
  const { writeFile } = await import('node:fs/promises');
  const { createTestFolder, signal } = await import('../fixtures/archive.js');
  const path = join(await createTestFolder(t), 'image');
  await writeFile(path, gzip(createArchive(many)));
  await t.throwsAsync(openImage(path, { signal, limits: { names: 400 } }), {
    code: 'image-too-large',
    message: /more than 400 bytes of names/,
  });
});
