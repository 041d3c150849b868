import test from 'ava';
import type { ImageEntry } from '#src/model/image/archive.js';
import { listPackages } from '#src/verify/packages/list-packages.js';
import { describeRecord, readRecord, recordPath } from '#src/verify/read-record.js';
import { createArchive, directory, file, gzip, openBytes } from '../fixtures/archive.js';

const first = {
  version: 1,
  input: 'a',
  plan: 'b',
  patches: [{ id: 'one', sha256: 'c', parameters: {} }],
  packages: {},
};

const createRecorded = (content: string) =>
  createArchive([directory('etc'), directory('etc/moby-patch'), file(recordPath, content)]);

/** What an image may say of its own patches, and what is believed of it. */
const records: readonly (readonly [what: string, record: unknown, patches: readonly string[] | undefined])[] =
  [
    ['a record', first, ['one']],
    ['one behind it', { ...first, earlier: { ...first, patches: [] } }, ['one']],
    ['null behind it', { ...first, earlier: null }, ['one']],
    ['a number in place of the image behind it', { ...first, earlier: { ...first, input: 5 } }, ['one']],
    [
      'parameters that are none',
      { ...first, patches: [{ id: 'one', sha256: 'c', parameters: [1] }] },
      undefined,
    ],
    ['packages that are none', { ...first, packages: null }, undefined],
    ['null', null, undefined],
    ['patches without ids', { ...first, patches: [{}] }, undefined],
  ];
for (const [what, record, patches] of records)
  test(`of a record in an image only what has the form of one is believed: ${what}`, async (t) => {
    const content = JSON.stringify(record);
    const image = await openBytes(t, createRecorded(content));
    const found = await readRecord(image);
    t.deepEqual(found && describeRecord(found).patches, patches);
  });

test('a chain of records without an end is cut, and can be written again', async (t) => {
  const open = `${JSON.stringify(first).slice(0, -1)},"earlier":`;
  const content = `${open.repeat(9000)}1${'}'.repeat(9000)}`;
  const image = await openBytes(t, createRecorded(content));
  const found = await readRecord(image);
  t.is(found && describeRecord(found).patches.length, 1000);
  t.notThrows(() => JSON.stringify(found));
});

test('packages are read in one pass, however many files list them', async (t) => {
  const desc = (name: string) => `%NAME%\n${name}\n\n%VERSION%\n1-1\n`;
  const folders = ['var', 'var/lib', 'var/lib/pacman', 'var/lib/pacman/local'].map((path) => directory(path));
  const files = ['b', 'a', 'c'].flatMap((name) => {
    const folder = `var/lib/pacman/local/${name}-1-1`;
    return [directory(folder), file(`${folder}/desc`, desc(name))];
  });
  const image = await openBytes(t, gzip(createArchive([...folders, ...files])));
  let passes = 0;
  const alone = () => t.fail('a body was read by itself') as never;
  const entries = new Map<string, ImageEntry>(
    [...image.entries].map(([path, entry]) => [path, { ...entry, body: alone }]),
  );
  const bodies: typeof image.bodies = (wanted) => {
    passes += 1;
    return image.bodies(wanted);
  };
  const { packages } = await listPackages({ ...image, entries, bodies });
  t.deepEqual(
    packages.map(({ name, version }) => `${name} ${version}`),
    ['a 1-1', 'b 1-1', 'c 1-1'],
  );
  t.is(passes, 1);
});
