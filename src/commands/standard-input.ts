import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { MobyPatchError } from '../model/error.js';
import type { CommandContext } from './context.js';

/** More than any image or root has that somebody pipes; what has no end must not fill the disk. */
const usualMost = 8 * 2 ** 30;
const startSize = 512;

/**
 * Keeps standard input in a new file. `refuse` looks at its first 512 bytes (fewer when there are no more) as
 * soon as they have come. Errors: those of `refuse`; `input-too-large` (invalid).
 */
export async function keepStandardInput(
  path: string,
  refuse: (start: Uint8Array) => MobyPatchError | undefined,
  context: CommandContext,
): Promise<void> {
  const most = context.limits?.unpacked ?? usualMost;
  async function* check(source: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer, void, void> {
    let start: Buffer | undefined = Buffer.alloc(0);
    let size = 0;
    for await (const piece of source) {
      const bytes = Buffer.from(piece);
      size += bytes.length;
      if (size > most) throw createTooLargeError(most);
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
  await pipeline(context.stdin, check, createWriteStream(path, { mode: 0o600 }), { signal: context.signal });
}

function createTooLargeError(most: number): MobyPatchError {
  return new MobyPatchError('invalid', 'input-too-large', `it has more than ${most} bytes`, {
    path: 'standard input',
    hint: 'give a file, or raise the limit: --max-size BYTES',
  });
}
