import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { renderExplanation } from '#src/report/explanation.js';
import { explain } from '#src/tasks/explain/explain.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  node,
  pad,
  symlink,
} from '../fixtures/archive.js';
import { createTestSession } from '../fixtures/session.js';
import { explanationSchema } from '../report/proof-schemas.js';

const installed = 'P:busybox\nV:1.36-r1\nF:bin\nR:busybox\nR:sh\n\nP:other\nV:2\nF:etc\nR:a\n';
const first = createArchive([
  directory('usr'),
  directory('usr/bin', { mtime: 5 }),
  symlink('bin', 'usr/bin'),
  directory('etc'),
  directory('var'),
  directory('lib'),
  directory('lib/apk'),
  directory('lib/apk/db'),
  file('lib/apk/db/installed', installed),
  file('bin/busybox', 'old', { mode: 0o100755, ino: 7, nlink: 2 }),
  file('bin/sh', '', { mode: 0o100755, ino: 7, nlink: 2 }),
  file('etc/a', 'link'),
  file('etc/fstab', '/dev/vda /var ext4 defaults 0 0\n'),
  file('var/x', 'hidden'),
  file('missing/x', 'y'),
  node('dev-null', 0o020666, { rdevmajor: 1, rdevminor: 3 }),
]);
const second = createArchive([
  file('usr/bin/busybox', 'new!', { mode: 0o100700 }),
  directory('usr/bin'),
  symlink('etc/a', '/x'),
  node('dev-null', 0o020600, { rdevmajor: 1, rdevminor: 5 }),
]);

async function write(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'image'), Buffer.concat([pad(gzip(first)), gzip(second)]));
  const session = createTestSession(folder);
  const tell = async (path: string) => {
    const found = await explain({ image: 'image', path }, session);
    explanationSchema.parse(JSON.parse(JSON.stringify(found)));
    return found;
  };
  return { folder, tell, session };
}

test('each record about a path is told with what the kernel does with it', async (t) => {
  const { tell } = await write(t);
  const busybox = await tell('/bin/busybox');
  t.is(busybox.canonical, 'usr/bin/busybox');
  t.deepEqual(
    busybox.records.map(({ segment, name, effect, gives }) => [segment, name, effect, gives]),
    [
      [0, 'bin/busybox', 'creates it', []],
      [
        2,
        'usr/bin/busybox',
        'rewrites the file in place, with all of its hard links',
        ['content', 'mode and owner'],
      ],
    ],
  );
  t.deepEqual(busybox.links, ['usr/bin/sh']);
  t.deepEqual(busybox.packages, ['busybox 1.36-r1']);
  t.is(busybox.origin, undefined);
  const effects = async (path: string) => (await tell(path)).records.map(({ effect }) => effect);
  t.deepEqual(await effects('etc/a'), ['creates it', 'replaces the file that was there']);
  t.regex((await effects('usr/bin'))[1] ?? '', /time stays that of the first/);
  t.regex((await effects('dev-null'))[1] ?? '', /device number stays that of the first/);
  t.deepEqual(await effects('missing/x'), ['leaves no file: its parent directory is missing']);
  t.deepEqual(renderExplanation(await tell('bin/busybox')), [
    'bin/busybox is usr/bin/busybox',
    'usr/bin/busybox: file -rwx------ 0:0 4 bytes',
    '  record   9 in segment 0: file, 3 bytes: creates it',
    '  record   16 in segment 2: file, 4 bytes: rewrites the file in place, with all of its hard links; content, mode and owner are from here',
    '  link     usr/bin/sh is the same file',
    '  package  busybox 1.36-r1',
  ]);
});

test('of a busybox with many names a few are printed, and how many more there are', async (t) => {
  const { tell } = await write(t);
  const found = await tell('bin/busybox');
  const names = Array.from({ length: 300 }, (_, index) => `usr/bin/applet${index}`);
  const lines = renderExplanation({ ...found, links: names }).filter((line) => line.startsWith('  link'));
  t.is(lines.length, 6);
  t.is(lines.at(-1), '  link     and 295 more names; --json has all');
});

test('what a mount hides and what the kernel brings itself is said', async (t) => {
  const { tell } = await write(t);
  t.regex((await tell('var/x')).notes[0] ?? '', /etc\/fstab mounts over \/var/);
  t.regex((await tell('dev/console')).notes[0] ?? '', /every kernel has one of its own/);
  await t.throwsAsync(tell('etc/none'), { code: 'path-not-found' });
});

test('a manifest of this image names the step; one of another image is left alone', async (t) => {
  const { folder, tell, session } = await write(t);
  const manifest = (sha256: string) => ({
    version: 1,
    input: { sha256: '0'.repeat(64) },
    output: { name: 'image', sha256 },
    plan: 'x',
    packages: {},
    verdict: 'passed',
    steps: [{ patch: 'p', summary: 'file etc/a' }],
    changes: [
      { path: 'etc/a', change: 'changed', steps: [0] },
      { path: 'etc/gone', change: 'removed', steps: [0] },
    ],
  });
  const put = (sha256: string) =>
    writeFile(join(folder, 'image.manifest.json'), JSON.stringify(manifest(sha256)));
  await put('1'.repeat(64));
  t.is((await tell('etc/a')).origin, undefined);
  const { openNamedImage } = await import('#src/setup/named-image.js');
  await using image = await openNamedImage('image', session, { digest: true });
  await put(image.layout.sha256);
  t.deepEqual((await tell('etc/a')).origin, {
    change: 'changed',
    steps: [{ patch: 'p', summary: 'file etc/a' }],
  });
  t.deepEqual((await tell('etc/fstab')).origin, { change: 'stock', steps: [] });
  t.like(await tell('etc/gone'), { origin: { change: 'removed' } });
});
