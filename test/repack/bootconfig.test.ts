import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Change, WantedBootconfig } from '#src/model/image/change.js';
import { writeChanges } from '#src/repack/write-changes.js';
import { openImage } from '#src/unpack/open-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  readText,
  signal,
} from '../fixtures/archive.js';
import { put, remove } from '../fixtures/changes.js';
import { codecs, pack, testWith } from '../fixtures/codecs.js';
import { collect } from '../fixtures/memory-archive.js';
import { repack, repackTar, unpack, unpackTar } from '../fixtures/round-trip.js';

const text = 'kernel {\n  panic = 1\n}\n';
const archive = createArchive([directory('etc'), file('etc/hello', 'x'.repeat(99)), file('etc/other', 'y')]);
const withTrailer = (bytes: Buffer, behind = '') =>
  Buffer.concat([bytes, encodeBootconfig(text, bytes.length), Buffer.from(behind)]);

async function write(
  bytes: Buffer,
  changes: readonly Change[],
  {
    folder,
    mode,
    bootconfig,
  }: { readonly folder: string; readonly mode: 'rewrite' | 'append'; readonly bootconfig?: WantedBootconfig },
) {
  const [before, after] = ['before', 'after'].map((name) => join(folder, `${name}-${mode}`)) as [
    string,
    string,
  ];
  await writeFile(before, bytes);
  await using image = await openImage(before, { signal });
  const written = await collect(
    writeChanges(image, changes, { spool: createSpool(folder), mode, bootconfig }).bytes,
  );
  await writeFile(after, written);
  const again = await openImage(after, { signal });
  const diff = await checkOutput(image, again, changes, bootconfig);
  return { written, again, diff };
}

for (const codec of ['none', ...codecs] as const) {
  testWith(
    codec === 'none' ? [] : [codec],
    `a boot configuration behind ${codec} is no part of the archive, and stays last`,
    async (t) => {
      const folder = await createTestFolder(t);
      const packed = codec === 'none' ? archive : pack(codec, archive);
      for (const behind of ['', 'abc']) {
        const bytes = withTrailer(packed, behind);
        const same = await write(bytes, [], { folder, mode: 'rewrite' });
        t.true(same.written.equals(bytes));
        t.is(same.again.bootconfig, text);
        t.deepEqual(
          same.again.layout.segments.map(({ kind }) => kind),
          ['cpio', 'bootconfig'],
        );
        await same.again[Symbol.asyncDispose]();
        for (const mode of ['rewrite', 'append'] as const) {
          const { written, again } = await write(bytes, [put('etc/hello', 'changed')], { folder, mode });
          t.is(await readText(again, 'etc/hello'), 'changed');
          t.is(await readText(again, 'etc/other'), 'y');
          t.is(again.bootconfig, text);
          t.is(again.layout.segments.at(-1)?.kind, 'bootconfig');
          t.is(written.length % 4, behind.length, 'as far from a multiple of four as before');
          if (mode === 'append') t.true(written.subarray(0, packed.length).equals(packed));
          await again[Symbol.asyncDispose]();
        }
      }
    },
  );
}

test('a boot configuration is changed, added and taken away, with and without other changes', async (t) => {
  const folder = await createTestFolder(t);
  const packed = gzip(archive);
  for (const mode of ['rewrite', 'append'] as const)
    for (const bytes of [packed, withTrailer(packed), Buffer.concat([pad(packed), Buffer.alloc(512)])])
      for (const wanted of ['a = 1\n', undefined])
        for (const changes of [[], [put('etc/new', 'new')]]) {
          const bootconfig = { text: wanted };
          const { again, diff } = await write(bytes, changes, { folder, mode, bootconfig });
          t.is(again.bootconfig, wanted);
          t.is(
            again.layout.segments.some(({ kind }) => kind === 'opaque'),
            false,
          );
          t.is(again.entries.has('etc/new'), changes.length > 0);
          const had = bytes.includes('#BOOTCONFIG');
          t.is(diff.bootconfig !== undefined, had || wanted !== undefined);
          if (had && wanted !== undefined)
            t.deepEqual(diff.bootconfig, [
              { key: 'a', before: undefined, after: ['1'] },
              { key: 'kernel.panic', before: ['1'], after: undefined },
            ]);
          await again[Symbol.asyncDispose]();
        }
});

test('an image whose boot configuration was not meant to change is refused when it did', async (t) => {
  const [before, after] = [await openBytes(t, withTrailer(gzip(archive))), await openBytes(t, gzip(archive))];
  await t.throwsAsync(checkOutput(before, after, []), {
    code: 'output-differs',
    message: /boot configuration/,
  });
});

test('a folder and a tar keep the boot configuration of their image', async (t) => {
  for (const bytes of [withTrailer(pad(archive)), withTrailer(archive, 'ab')]) {
    const image = await openBytes(t, bytes);
    const folder = await unpack(t, image);
    t.true((await repack(t, folder)).bytes.equals(bytes));
    t.true((await repackTar(t, await unpackTar(image))).bytes.equals(bytes));
    await writeFile(join(folder, 'new'), 'new');
    const changed = await repack(t, folder);
    t.is(changed.image.bootconfig, text);
    t.is(changed.image.layout.segments.at(-1)?.kind, 'bootconfig');
  }
});

test('an archive that loses everything still has its boot configuration', async (t) => {
  const folder = await createTestFolder(t);
  const { again } = await write(withTrailer(gzip(archive)), [remove('etc')], {
    folder,
    mode: 'rewrite',
  }).catch(() => ({ again: undefined }));
  t.is(again, undefined, 'an image without an entry is none');
});
