import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { digestBytes } from '#src/io/digest.js';
import type { WrappedImage } from '#src/model/image/wrapper.js';
import { chooseInitrd, findWrapper, openWrapper, partOf } from '#src/wrapper/open-wrapper.js';
import { checkWrapper, replaceInitrd } from '#src/wrapper/replace-initrd.js';
import { createTestFolder } from '../fixtures/archive.js';
import { holdFile } from './sketches.js';

export const { signal } = new AbortController();

export async function wrap(t: ExecutionContext, bytes: Buffer, initrd: string, part?: string) {
  const folder = await createTestFolder(t);
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'old');
  await writeFile(path, bytes);
  await writeFile(join(folder, 'initrd'), initrd);
  const wrapper = await openWrapper(path, 'old');
  if (wrapper === undefined) throw new Error('it is no wrapper');
  const wrapped = chooseInitrd({ path, wrapper }, { part, name: 'old' });
  return { folder, wrapped };
}

export async function replace(
  t: ExecutionContext,
  bytes: Buffer,
  initrd: string,
  name?: string,
): Promise<Buffer> {
  const { folder, wrapped } = await wrap(t, bytes, initrd, name);
  const part = partOf(wrapped.wrapper, wrapped.boot.initrd);
  const isSame = bytes.toString('latin1', part.offset, part.offset + part.size) === initrd;
  const request = { wrapped, initrd: join(folder, 'initrd'), isSame, folder, signal };
  await using replaced = await replaceInitrd(request);
  const pieces: Uint8Array[] = [];
  for await (const piece of replaced.bytes) pieces.push(Buffer.from(piece));
  const written = Buffer.concat(pieces);
  await writeFile(join(folder, 'new'), written);
  await check(wrapped, join(folder, 'new'), join(folder, 'initrd'));
  return written;
}

export async function check(old: WrappedImage, written: string, initrd: string): Promise<void> {
  const sha256 = await digestBytes([await readFile(initrd)] as unknown as AsyncIterable<Uint8Array>);
  await checkWrapper({ old, written, sha256, signal });
}

export const parts = async (bytes: Buffer) => {
  const wrapper = await findWrapper(holdFile(bytes));
  return Object.fromEntries(
    [...(wrapper?.parts.values() ?? [])].map(({ name, offset, size }) => [
      name,
      bytes.toString('latin1', offset, offset + size),
    ]),
  );
};
