import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openKernelPayload } from '../../compress/kernel-payload.js';
import { openInputFile } from '../../io/file/input-file.js';
import type { Bytes } from '../../model/image/entry.js';

/** Names such as CONFIG_RD_GZIP -> `y`, `m` or a value. An option that is not set is absent. */
export type KernelConfig = ReadonlyMap<string, string>;

const longestConfig = 4 * 2 ** 20;
const longestKernel = 512 * 2 ** 20;
const start = Buffer.from('IKCFG_ST');
const end = Buffer.from('IKCFG_ED');

/**
 * The configuration of a kernel, from the first of: the file itself when it is a text (`config-*`), the copy in a kernel
 * that was built with CONFIG_IKCONFIG, compressed or not, and the `config-*` that distributions put beside a
 * `vmlinuz-*`. Undefined when there is none. Errors: those of reading.
 */
export async function readKernelConfig(path: string): Promise<KernelConfig | undefined> {
  const own = await readFrom(path);
  const name = basename(path);
  if (own !== undefined || !/^vmlinu[xz]/.test(name)) return own;
  const beside = join(dirname(path), name.replace(/^vmlinu[xz]/, 'config'));
  return (await stat(beside).catch(() => undefined))?.isFile() ? readFrom(beside) : undefined;
}

async function readFrom(path: string): Promise<KernelConfig | undefined> {
  await using file = await openInputFile(path);
  return await scanConfig(openKernelPayload(file));
}

/** From the text of a `config-*` file. */
function parseKernelConfig(text: string): KernelConfig {
  return new Map(
    [...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value.trim()]),
  );
}

async function scanConfig(bytes: Bytes): Promise<KernelConfig | undefined> {
  let buffered: Buffer = Buffer.alloc(0);
  let state: 'text' | 'kernel' | 'config' | undefined;
  let size = 0;
  for await (const piece of bytes) {
    state ??= isText(piece) ? 'text' : 'kernel';
    size += piece.length;
    buffered = Buffer.concat([buffered, piece]);
    if (size > longestKernel || (state !== 'kernel' && buffered.length > longestConfig)) return undefined;
    if (state === 'kernel') [state, buffered] = findStart(buffered);
    const last = state === 'config' ? buffered.indexOf(end) : -1;
    if (last >= 0) return unpackConfig(buffered.subarray(0, last));
  }
  return state === 'text' ? parseKernelConfig(buffered.toString('latin1')) : undefined;
}

/** The bytes behind the mark; without it, the last bytes, which may be its beginning. */
function findStart(buffered: Buffer): ['kernel' | 'config', Buffer] {
  const at = buffered.indexOf(start);
  return at >= 0
    ? ['config', buffered.subarray(at + start.length)]
    : ['kernel', buffered.subarray(Math.max(0, buffered.length - start.length))];
}

function isText(piece: Uint8Array): boolean {
  return /^(?:#|CONFIG_)/.test(Buffer.from(piece).toString('latin1', 0, 7));
}

function unpackConfig(packed: Uint8Array): KernelConfig | undefined {
  try {
    return parseKernelConfig(gunzipSync(packed, { maxOutputLength: longestConfig }).toString('latin1'));
  } catch {
    return undefined;
  }
}
