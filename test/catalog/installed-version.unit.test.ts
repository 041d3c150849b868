import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readVersion } from '#src/catalog/installed-version.js';
import { createTestFolder, signal } from '../fixtures/archive.js';

const plist = `<?xml version="1.0"?>
<plist version="1.0"><dict>
  <key>Nested</key><dict><key>Version</key><string>wrong</string></dict>
  <key>List</key><array><string>Version</string><dict><key>Version</key><string>wrong</string></dict></array>
  <!-- <key>Version</key><string>wrong</string> -->
  <key>Number</key><integer>3</integer>
  <key>Flag</key><true/>
  <key>Version</key>
  <string>1.0 &amp; &lt;2&gt;</string>
</dict></plist>`;

test('a version is the string at a key of the outermost dictionary of a property list', async (t) => {
  const file = join(await createTestFolder(t), 'Info.plist');
  const read = (key: string) => readVersion({ file, key }, { place: (path) => path, signal });
  await writeFile(file, plist);
  t.is(await read('Version'), '1.0 & <2>');
  t.is(await read('Number'), undefined);
  t.is(await read('Flag'), undefined);
  t.is(await read('Missing'), undefined);
  await writeFile(file, 'no property list');
  t.is(await read('Version'), undefined);
});

test('a version comes from a file or a command; a missing one is no error', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'version'), ' 4.5 \nmore\n');
  const read = (source: Parameters<typeof readVersion>[0]) =>
    readVersion(source, { place: (path) => join(folder, path), signal });
  t.is(await read({ file: 'version' }), '4.5');
  t.is(await read({ file: 'missing' }), undefined);
  t.is(await read({ command: ['sh', '-c', 'echo 7; echo 8'] }), '7');
  t.is(await read({ command: ['sh', '-c', 'echo 7; exit 1'] }), undefined);
  t.is(await read({ command: ['/no/such/program'] }), undefined);
});
