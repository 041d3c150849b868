import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { copyAhead, createReadOutput } from '#src/io/place/output.js';
import { createTestFolder } from '../fixtures/archive.js';

const { signal } = new AbortController();

async function* pieces(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(text);
}

test('an output goes on behind the part of a copy that stays, and takes the copy over', async (t) => {
  const folder = await createTestFolder(t);
  const destination = join(folder, 'to');
  await writeFile(join(folder, 'from'), 'image end', { mode: 0o444 });
  await writeFile(destination, 'old');
  {
    await using copy = await copyAhead(destination, (path) => copyFile(join(folder, 'from'), path));
    const request = { destination, inputs: [], signal, beginning: { size: 6, copy } };
    await using output = await createReadOutput(pieces('more'), request);
    t.is(await readFile(output.path, 'utf8'), 'image more');
    t.is((await stat(output.path)).mode & 0o777, 0o600);
    t.is(await readFile(destination, 'utf8'), 'old');
    await output.publish();
  }
  t.is(await readFile(destination, 'utf8'), 'image more');
  t.deepEqual((await readdir(folder)).sort(), ['from', 'to']);
});

test('a copy that no output takes over is removed', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'from'), 'image');
  {
    await using copy = await copyAhead(join(folder, 'to'), (path) => copyFile(join(folder, 'from'), path));
    await copy.copied;
    t.is((await readdir(folder)).length, 2);
  }
  t.deepEqual(await readdir(folder), ['from']);
});

test('a copy that fails is the failure of its output, and nothing is left', async (t) => {
  const folder = await createTestFolder(t);
  const destination = join(folder, 'to');
  {
    await using copy = await copyAhead(destination, (path) => copyFile(join(folder, 'from'), path));
    const request = { destination, inputs: [], signal, beginning: { size: 5, copy } };
    await t.throwsAsync(createReadOutput(pieces('more'), request), { code: 'output-unwritable' });
  }
  t.deepEqual(await readdir(folder), []);
});
