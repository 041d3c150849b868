import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createRedaction } from '#src/format/redaction.js';
import { copyIntoPlace } from '#src/io/place/output.js';
import { createTestFolder } from '../fixtures/archive.js';

test('a console is copied without the secrets that a guest printed, wherever a piece of it ends', async (t) => {
  const folder = await createTestFolder(t);
  const value = 'a secret of the guest';
  // Files are read in pieces of 256 KiB: the secret lies over the end of the first.
  await writeFile(join(folder, 'from'), `${'x'.repeat(256 * 1024 - 10)}${value}\nend ${value.slice(0, 8)}`);
  const filter = createRedaction([{ value, shown: 'secret shown' }]).createFilter();
  const { signal } = new AbortController();
  await copyIntoPlace(join(folder, 'from'), { destination: join(folder, 'to'), inputs: [], signal, filter });
  const copy = await readFile(join(folder, 'to'), 'utf8');
  t.is(copy.slice(256 * 1024 - 10), `secret shown\nend ${value.slice(0, 8)}`);
});
