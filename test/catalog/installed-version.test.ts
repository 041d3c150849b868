import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readPropertyList, readVersion } from '#src/catalog/installed-version.js';
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

test('a key of the outermost dictionary of a property list', (t) => {
  t.is(readPropertyList(plist, 'Version'), '1.0 & <2>');
  t.is(readPropertyList(plist, 'Number'), undefined);
  t.is(readPropertyList(plist, 'Flag'), undefined);
  t.is(readPropertyList(plist, 'Missing'), undefined);
  t.is(readPropertyList('no property list', 'Version'), undefined);
});

test('a version comes from a property list, a file or a command; none is no error', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'Info.plist'), plist);
  await writeFile(join(folder, 'version'), ' 4.5 \nmore\n');
  const place = (path: string) => join(folder, path);
  t.is(await readVersion({ file: 'Info.plist', key: 'Version' }, place, signal), '1.0 & <2>');
  t.is(await readVersion({ file: 'version' }, place, signal), '4.5');
  t.is(await readVersion({ file: 'missing' }, place, signal), undefined);
  t.is(await readVersion({ command: ['sh', '-c', 'echo 7; echo 8'] }, place, signal), '7');
  t.is(await readVersion({ command: ['sh', '-c', 'echo 7; exit 1'] }, place, signal), undefined);
  t.is(await readVersion({ command: ['/no/such/program'] }, place, signal), undefined);
});
