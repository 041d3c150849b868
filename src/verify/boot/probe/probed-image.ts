import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { findBootconfig } from '../../../compress/find-bootconfig.js';
import { encodePadding } from '../../../format/cpio/cpio-writer.js';
import { createChangedError, createReadError, openInputFile } from '../../../io/file/input-file.js';
import { streamRegular } from '../../../io/file/regular-file.js';

export interface ProbedImage {
  /** The image file, and the hex digest that it must have. */
  readonly image: string;
  readonly sha256?: string | undefined;
  readonly segment: Uint8Array;
  /** The new file. */
  readonly path: string;
}

/**
 * Writes the image with a gap and the segment in front of its boot configuration: the file for QEMU. Errors: `image-unreadable` (`invalid`), `image-changed`
 * (`failed`).
 */
export async function writeProbedImage({ image, sha256, segment, path }: ProbedImage): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of readImage(image)) {
    hash.update(piece);
    await file.appendFile(piece);
    size += piece.length;
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256)
    throw createChangedError(image, 'the file was replaced or written to before it was booted');
  const trailer = await readTrailer(path);
  const end = size - trailer.length;
  const gap = createGap(end);
  // It is as far from a multiple of four as before.
  const moved = encodePadding(trailer.length === 0 ? 0 : gap.length + segment.length);
  const bytes = Buffer.concat([gap, segment, moved, trailer]);
  await file.write(bytes, 0, bytes.length, end);
}

/** The boot configuration of an image, which a kernel only sees at the very end; no bytes without one. */
async function readTrailer(path: string): Promise<Uint8Array> {
  await using file = await openInputFile(path);
  const found = await findBootconfig(file);
  return found === undefined ? new Uint8Array() : file.read(found.offset, file.size);
}

async function* readImage(path: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* streamRegular(path);
  } catch (cause) {
    throw createReadError(path, cause);
  }
}

/** A raw archive starts at a multiple of four; after lz4 the kernel wants four zeros before another codec. */
function createGap(size: number): Uint8Array {
  return new Uint8Array(4 + encodePadding(size).length);
}
