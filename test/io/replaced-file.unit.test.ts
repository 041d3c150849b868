import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openReplaced } from '#src/io/place/replaced-file.js';
import { createTestFolder } from '../fixtures/archive.js';

test('nothing is opened but a file of its own, on a file system of disks or memory', async (t) => {
  const folder = await createTestFolder(t);
  await symlink('/etc/passwd', join(folder, 'link'));
  t.is(await openReplaced(join(folder, 'link')), undefined);
  t.is(await openReplaced(join(folder, 'missing')), undefined);
  t.is(await openReplaced(join(folder, 'missing/file')), undefined);
  t.is(await openReplaced('/proc/self/status'), undefined);
  await writeFile(join(folder, 'file'), '');
  const file = await openReplaced(join(folder, 'file'));
  await file?.close();
  t.pass();
});
