import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';

const entries = 50_000;
/** Bytes: a name, a record of four words and a place in the tree; the numbers are in buffers. Measured: 172. */
const most = 210;

const script = `
const { openImage } = await import(process.argv[1]);
const measure = () => {
  gc();
  return process.memoryUsage().heapUsed;
};
const before = measure();
const image = await openImage(process.argv[2], { signal: new AbortController().signal });
const after = measure();
console.log((after - before) / image.records.length);
`;

test('an entry of an open image takes few bytes', async (t) => {
  const path = join(await createTestFolder(t), 'x.img');
  const names = Array.from({ length: entries }, (_, at) => file(`d/file-${at}`, 'x', { ino: at + 2 }));
  await writeFile(path, createArchive([directory('d'), ...names]));
  const module = new URL('../../../dist/unpack/open-image.js', import.meta.url).href;
  const args = ['--expose-gc', '--input-type=module', '-e', script, module, path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const bytes = Number(stdout);
  t.true(bytes > 50 && bytes < most, `${bytes} bytes`);
  t.log(`${Math.round(bytes)} bytes of the heap an entry`);
});
