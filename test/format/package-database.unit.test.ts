import test from 'ava';
import { parseDpkgStatus, parseDpkgUnpacked } from '#src/format/package-database.js';

const status = ['installed', 'unpacked', 'half-configured', 'config-files', 'not-installed', 'half-installed']
  .map((state) => `Package: ${state}\nStatus: install ok ${state}\nVersion: 1`)
  .join('\n\n');

test('a package whose files are there counts as one of the image, though it was never configured', (t) => {
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  t.deepEqual(names(parseDpkgUnpacked(status)), ['installed', 'unpacked', 'half-configured']);
  t.deepEqual(names(parseDpkgStatus(status)), ['installed']);
});
