import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readMember } from '../../compress/compression.js';
import { detectCodec } from '../../format/codec/magic.js';
import { type InputFile, openInputFile, readRange } from '../../io/file/input-file.js';
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
  const head = await file.read(0, Math.min(4096, file.size));
  return await scanConfig(openPayload(file, head));
}

/** From the text of a `config-*` file. */
function parseKernelConfig(text: string): KernelConfig {
  return new Map(
    [...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value.trim()]),
  );
}

/**
 * The kernel proper. In a bzImage it stands compressed behind the set-up code (Documentation/x86/boot.rst), and its size
 * follows in four bytes; not after gzip, which ends with the size anyway.
 */
async function* openPayload(file: InputFile, head: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  const bytes = Buffer.from(head);
  const isImage = bytes.length > 0x250 && bytes.toString('latin1', 0x202, 0x206) === 'HdrS';
  const offset = isImage ? ((bytes[0x1f1] || 4) + 1) * 512 + bytes.readUInt32LE(0x248) : 0;
  const end = isImage ? Math.min(offset + bytes.readUInt32LE(0x24c), file.size) : file.size;
  const codec = detectCodec(await file.read(offset, Math.min(offset + 2, end)));
  if (codec === undefined) yield* readRange(file, offset, end);
  else yield* readMember({ ...file, size: isImage && codec !== 'gzip' ? end - 4 : end }, { codec, offset });
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
