import { appendFile, open, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { openScanned } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, file, gzip, signal } from '../fixtures/archive.js';

const bytes = gzip(
  createArchive([
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    file('large', Array.from({ length: 400_000 }, (_, index) => `${index * 7919}`).join(' ')),
  ]),
);

async function write(path: string, content: Buffer, position: number): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(content, 0, content.length, position);
  await handle.close();
  // A clock tick may be longer than the time since the file was opened.
  await utimes(path, 1, 1);
}

const changes: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['overwritten', (path) => write(path, Buffer.alloc(100_000, 7), bytes.length - 200_000)],
  ['cut', (path) => truncate(path, bytes.length >> 1)],
  ['made longer', (path) => appendFile(path, 'more')],
  ['emptied and written anew', async (path) => writeFile(path, (await readFile(path)).subarray(1000))],
];

async function createImage(t: ExecutionContext): Promise<string> {
  const path = join(await createTestFolder(t), 'in.img');
  await writeFile(path, bytes);
  return path;
}

for (const [name, change] of changes) {
  test(`an image that is ${name} while it is read is no damaged image: image-changed`, async (t) => {
    const path = await createImage(t);
    // A shortcut is asked when the file is open.
    const shortcut = async () => {
      await change(path);
      return undefined;
    };
    const error = await t.throwsAsync<MobyPatchError>(openScanned(path, { signal, shortcut }));
    t.like(error, { kind: 'failed', code: 'image-changed' });
    t.truthy(error?.hint ?? error?.offset);
  });

  test(`an image that is ${name} after it was opened gives no more bodies: image-changed`, async (t) => {
    const path = await createImage(t);
    await using image = await openScanned(path, { signal });
    await change(path);
    const read = async () => {
      for await (const _ of image.entries.get('large')?.body() ?? []);
    };
    t.like(await t.throwsAsync<MobyPatchError>(read), { kind: 'failed', code: 'image-changed' });
  });
}
