import test from 'ava';
import { createSpool } from '#src/io/file/spool.js';
import type { Change } from '#src/model/image/change.js';
import type { Entry } from '#src/model/image/entry.js';
import { writeChanges } from '#src/repack/write-changes.js';
import { writeImage } from '#src/repack/write-image.js';
import { createArchive, createTestFolder, directory, file, openBytes } from '../fixtures/archive.js';
import { collect, sketchEntry } from '../fixtures/memory-archive.js';
import { repack, repackTar, unpack, unpackTar } from '../fixtures/round-trip.js';

const deep = Array.from({ length: 20 }, () => 'd'.repeat(204)).join('/');

const refused: readonly [string, Partial<Entry> & { path: string }, string][] = [
  ['a name of 4099 bytes', { path: deep }, 'name-unwritable'],
  ['a component of 256 bytes', { path: 'n'.repeat(256) }, 'name-unwritable'],
  ['no name for a file', { path: '' }, 'name-unwritable'],
  ['a NUL in a name', { path: 'a\0b' }, 'name-unwritable'],
  ['a file of 4 GiB', { path: 'big', size: 2 ** 32 }, 'file-too-large'],
  ['a target of 4096 bytes', { path: 'l', type: 'symlink', target: 't'.repeat(4096) }, 'target-unwritable'],
  ['a time before 1970', { path: 't', mtime: -1 }, 'number-unwritable'],
  ['an owner of 33 bits', { path: 'u', uid: 2 ** 32 }, 'number-unwritable'],
];

for (const [what, fields, code] of refused) {
  test(`refuses to write ${what}`, async (t) => {
    const image = await openBytes(t, createArchive([directory('.'), file('init', '')]));
    const put: Change = { op: 'put', entry: { ...sketchEntry({ path: fields.path }), ...fields } };
    const spool = createSpool(await createTestFolder(t));
    const error = await t.throwsAsync(collect(writeImage(image, [put], { spool })), { code });
    t.regex(error?.message ?? '', /^found /);
  });
}

test('an image of which nothing would be left is refused', async (t) => {
  const image = await openBytes(t, createArchive([directory('etc'), file('etc/a', '')]));
  const spool = createSpool(await createTestFolder(t));
  const remove: Change = { op: 'remove', path: 'etc' };
  t.throws(() => writeChanges(image, [remove], { spool }), { code: 'image-emptied' });
  const put: Change = { op: 'put', entry: sketchEntry({ path: 'b' }) };
  t.notThrows(() => writeChanges(image, [remove, put], { spool }));
});

test('a file of one byte less than 4 GiB has a header', async (t) => {
  const image = await openBytes(t, createArchive([directory('.'), file('init', '')]));
  // Its body would follow: only as much is taken as the header needs.
  async function* body() {
    yield Buffer.alloc(10);
  }
  const entry: Entry = { ...sketchEntry({ path: 'big' }), size: 2 ** 32 - 1, body };
  const spool = createSpool(await createTestFolder(t));
  const bytes = await collect(writeImage(image, [{ op: 'put', entry }], { spool }));
  t.true(bytes.toString('latin1').includes('FFFFFFFF0000'));
});

test('a name of 4095 bytes is written even where others begin with ./', async (t) => {
  const parts = Array.from({ length: 16 }, () => 'd'.repeat(255));
  const folders = parts.slice(0, -1).map((_, index) => directory(parts.slice(0, index + 1).join('/')));
  const image = await openBytes(t, createArchive([file('./init', ''), ...folders]));
  const path = parts.join('/').slice(0, 4095);
  const spool = createSpool(await createTestFolder(t));
  const put: Change = { op: 'put', entry: sketchEntry({ path, content: 'x' }) };
  const written = await openBytes(t, await collect(writeImage(image, [put], { spool })));
  t.is(written.entries.get(path)?.size, 1);
});

/** Records that a kernel skips without a word. */
function createSkipped(): Buffer {
  const long = createArchive([
    file('L'.repeat(4000), 'body'),
    file('E', 'body'),
    file('F', 'body'),
    file('after', 'x'),
  ]);
  // A name of 5000 bytes: the header says so, and the bytes are there.
  const at = long.indexOf('L'.repeat(4000));
  long.write('00001388', at - 110 + 94, 'latin1');
  const named = Buffer.concat([long.subarray(0, at), Buffer.alloc(1000, 'L'), long.subarray(at)]);
  // An empty name, and no name at all.
  named[named.indexOf('E\0')] = 0;
  const none = named.indexOf('F\0');
  named.write('00000000', none - 110 + 94, 'latin1');
  return named;
}

test('records without a name or with too long a one are listed as dropped, with the reason', async (t) => {
  const bytes = createSkipped();
  const image = await openBytes(t, bytes);
  t.deepEqual([...image.entries.keys()], ['after']);
  t.deepEqual(
    image.dropped.map(({ record, reason }) => [record.header.namesize, reason]),
    [
      [5000, 'a name of more than 4095 bytes'],
      [2, 'its name is empty'],
      [0, 'an entry without a name'],
    ],
  );
});

test('they survive unpacking to a folder and to a tar, byte for byte', async (t) => {
  const bytes = createSkipped();
  const image = await openBytes(t, bytes);
  t.true((await repack(t, await unpack(t, image))).bytes.equals(bytes));
  t.true((await repackTar(t, await unpackTar(image))).bytes.equals(bytes));
});
