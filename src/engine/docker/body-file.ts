import { type FileHandle, open } from 'node:fs/promises';
import { readAt, readPieces, writeAt } from '../../io/file/read-write.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';

/** One file for the bodies of many entries: opening a file for each takes longer than reading it. */
export interface BodyFile extends AsyncDisposable {
  /** Where the next piece goes. */
  end(): number;
  append(piece: Uint8Array): Promise<void>;
  /** Forgets what was appended from `to` on. */
  rewind(to: number): void;
  /** Makes what was appended readable. */
  flush(): Promise<void>;
  read(position: number, size: number): Bytes;
}

const stageSize = 2 ** 20;

/** A body shorter than the stage that is rewound never reaches the disk. Error: `disk-full`. */
export async function createBodyFile(path: string): Promise<BodyFile> {
  const file = await open(path, 'wx+', 0o600);
  const stage = Buffer.allocUnsafe(stageSize);
  let written = 0;
  let staged = 0;

  async function flush(): Promise<void> {
    await writeAll(file, stage.subarray(0, staged), written, path);
    written += staged;
    staged = 0;
  }

  return {
    end: () => written + staged,
    async append(piece) {
      if (staged + piece.length > stageSize) await flush();
      if (piece.length > stageSize) {
        await writeAll(file, piece, written, path);
        written += piece.length;
        return;
      }
      stage.set(piece, staged);
      staged += piece.length;
    },
    rewind(to) {
      staged = Math.max(0, to - written);
      written = Math.min(written, to);
    },
    flush,
    read: (position, size) =>
      readPieces({ read: (offset, end) => readAt(file, offset, end) }, position, position + size),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number, path: string): Promise<void> {
  try {
    await writeAt(file, bytes, position);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new MobyPatchError('infrastructure', 'disk-full', `no space left for ${path}`, {
      path,
      cause,
      hint: 'set TMPDIR to a larger disk',
    });
  }
}
