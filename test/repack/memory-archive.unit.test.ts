import test from 'ava';
import { createSpool } from '#src/io/file/spool.js';
import { writeImage } from '#src/repack/write-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import { createTestFolder, openBytes } from '../fixtures/archive.js';
import { put } from '../fixtures/changes.js';
import { collect, createMemoryArchive, sketchEntry } from '../fixtures/memory-archive.js';

const archive = createMemoryArchive([
  sketchEntry({ path: '', type: 'directory' }),
  sketchEntry({ path: 'etc', type: 'directory', mode: 0o750, uid: 3 }),
  sketchEntry({ path: 'etc/motd', content: 'hello' }),
  sketchEntry({ path: 'one', content: 'shared', link: 'a' }),
  sketchEntry({ path: 'two', content: 'shared', link: 'a' }),
  sketchEntry({ path: 'console', type: 'character', device: { major: 5, minor: 1 } }),
  sketchEntry({ path: 'link', type: 'symlink', target: 'etc/motd' }),
]);

for (const [what, changes] of [
  ['as it is', []],
  ['with changes', [put('etc/motd', 'patched'), put('new', 'file')]],
] as const)
  test(`an archive without a file is written like an image: ${what}`, async (t) => {
    const spool = createSpool(await createTestFolder(t));
    const written = await openBytes(t, await collect(writeImage(archive, changes, { spool })));
    await t.notThrowsAsync(checkOutput(archive, written, changes));
    t.is(written.layout.segments.length, 1);
  });
