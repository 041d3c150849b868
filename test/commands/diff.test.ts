import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, createTestFolder, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';

const before = createArchive([
  file('fstab', 'proc /proc proc\n'),
  file('binary', '\0one'),
  file('same', 'x'),
  file('bell', 'a\n'),
]);
const after = createArchive([
  file('fstab', 'proc /proc proc\nhost:/Users /Users nfs\n'),
  file('binary', '\0two'),
  file('same', 'x', { uid: 5 }),
  file('bell', '\x1b[2Ja\n'),
]);

test('shows the changed lines of text files, and only of these', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'a.img'), gzip(before));
  await writeFile(join(folder, 'b.img'), after);
  const { code, stdout } = await callMoby(['diff', 'a.img', 'b.img'], folder, {});
  t.is(code, 0);
  t.deepEqual(stdout.split('\n'), [
    '~ bell  size 2 -> 6, content',
    '    @@ -1 +1 @@',
    '    -a',
    '    +\\x1b[2Ja',
    '~ binary  content',
    '~ fstab  size 16 -> 39, content',
    '    @@ -1 +1,2 @@',
    '     proc /proc proc',
    '    +host:/Users /Users nfs',
    '~ same  uid 0 -> 5',
    '0 added, 4 changed, 0 removed',
    '',
  ]);
  const plain = await callMoby(['diff', 'a.img', 'b.img', '--no-text'], folder, {});
  t.false(plain.stdout.includes('@@'));
  const json = await callMoby(['diff', 'a.img', 'b.img', '--json'], folder, {});
  const { differences } = JSON.parse(json.stdout);
  t.deepEqual(
    differences.map(({ path, text }: { path: string; text?: string[] }) => [path, text?.length]),
    [
      ['bell', 3],
      ['binary', undefined],
      ['fstab', 3],
      ['same', undefined],
    ],
  );
});
