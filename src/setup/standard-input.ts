import { createWriteStream, fstatSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { anybody } from '../io/place/access.js';
import { createListQuestion } from '../io/place/access-list.js';
import type { FileAccess } from '../model/access.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ReadingSession } from '../model/session.js';

/** No image or root that is piped in is larger; an endless stream must not fill the disk. */
const defaultLimit = 8 * 2 ** 30;
const startSize = 512;
/** Zeros at the start: no image and no tar begins with so many, and /dev/zero does not end. */
const mostZeros = 64 * 2 ** 20;
const zeros = Buffer.alloc(64 * 1024);

/** Who may read what comes from a stream, where it is a file: `moby-patch unpack - < FILE`. To be called before it is read. */
export function accessOfInput(input: NodeJS.ReadableStream): FileAccess {
  const { fd } = input as { readonly fd?: unknown };
  const found = typeof fd === 'number' ? fstatSync(fd) : undefined;
  if (!found?.isFile()) return anybody;
  const { mode, uid, gid } = found;
  return { mode, uid, gid, hasList: createListQuestion(`/proc/${process.pid}/fd/${fd}`) };
}

interface SaveOptions {
  /** A new file. */
  readonly path: string;
  /** Gets the first 512 bytes (fewer when the stream is shorter) as soon as they arrive. */
  readonly refuse: (start: Uint8Array) => MobyPatchError | undefined;
}

/** Saves a stream in a file. Errors: those of `refuse`; `input-too-large`, `input-empty` (invalid). */
export async function saveStandardInput(
  input: NodeJS.ReadableStream,
  { path, refuse }: SaveOptions,
  { signal, limits }: Pick<ReadingSession, 'signal' | 'limits'>,
): Promise<void> {
  const limit = limits?.unpacked ?? defaultLimit;
  async function* check(source: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer, void, void> {
    let start: Buffer | undefined = Buffer.alloc(0);
    let size = 0;
    let isZero = true;
    for await (const piece of source) {
      const bytes = Buffer.from(piece);
      size += bytes.length;
      if (size > limit) throw createTooLargeError(limit);
      isZero &&= zeros.subarray(0, bytes.length).equals(bytes);
      if (isZero && size > mostZeros) throw createZerosError();
      if (start !== undefined) {
        start = Buffer.concat([start, bytes]);
        if (start.length < startSize) continue;
        assertStart(start);
        yield start;
        start = undefined;
      } else yield bytes;
    }
    if (start === undefined) return;
    assertStart(start);
    yield start;
  }
  const assertStart = (start: Buffer) => {
    const problem = refuse(start.subarray(0, startSize));
    if (problem !== undefined) throw problem;
  };
  await pipeline(input, check, createWriteStream(path, { mode: 0o600 }), { signal });
}

function createZerosError(): MobyPatchError {
  return new MobyPatchError('invalid', 'input-empty', `it begins with ${mostZeros} zeros`, {
    path: 'standard input',
    hint: 'give an image: moby-patch inspect - < initrd.img',
  });
}

function createTooLargeError(limit: number): MobyPatchError {
  return new MobyPatchError('invalid', 'input-too-large', `it has more than ${limit} bytes`, {
    path: 'standard input',
    hint: 'give a file, or raise the limit: --max-size BYTES',
  });
}
