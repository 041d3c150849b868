import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';

export interface Shape {
  /** Bytes of all bodies together. */
  readonly bytes: number;
  readonly files: number;
  /** Files of a folder; default: all are in one. */
  readonly perFolder?: number;
}

const init = Buffer.from('#!/bin/sh\n');
/** Deflate looks back 32 KiB: pieces from two places of this much text are nothing new to each other. */
const textSize = 8 * 2 ** 20;

/** `count` archives of text files, the same on every machine. */
export function generateArchives(shape: Shape, count: number): Iterable<Uint8Array>[] {
  const text = generateText();
  return Array.from({ length: count }, () => generateArchive(shape, text));
}

function* generateArchive(
  { bytes, files, perFolder = files }: Shape,
  text: Uint8Array,
): Generator<Uint8Array> {
  const random = createRandom();
  const least = Math.floor(bytes / files);
  let ino = 1;
  yield encodeRecord({ mode: 0o40755, nlink: 2, ino }, Buffer.from('.'));
  yield* generateFile('init', { mode: 0o100755, ino: ++ino }, init);
  for (let index = 0; index < files; index += 1) {
    const folder = `d${Math.floor(index / perFolder)}`;
    if (index % perFolder === 0)
      yield encodeRecord({ mode: 0o40755, nlink: 2, ino: ++ino }, Buffer.from(folder));
    const size = index === 0 ? bytes - least * (files - 1) : least;
    yield* generateFile(`${folder}/file-${index}`, { mode: 0o100644, ino: ++ino }, cut(text, size, random()));
  }
  yield encodeTrailer();
}

interface FileFields {
  readonly mode: number;
  readonly ino: number;
}

function* generateFile(name: string, fields: FileFields, body: Uint8Array): Generator<Uint8Array> {
  yield encodeRecord({ ...fields, mtime: 1, filesize: body.length }, Buffer.from(name));
  yield body;
  yield encodePadding(body.length);
}

function cut(text: Uint8Array, size: number, random: number): Uint8Array {
  const start = random % text.length;
  if (start + size <= text.length) return text.subarray(start, start + size);
  const body = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const piece = text.subarray(at === 0 ? start : 0, (at === 0 ? start : 0) + size - at);
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

/** Words of a small vocabulary, which deflate reduces to a third, as it does a root file system. */
function generateText(): Uint8Array {
  const random = createRandom();
  const bytes = Buffer.alloc(textSize);
  for (let at = 0; at < textSize; ) {
    const word = random() % 5000;
    at += bytes.write(`${(word * 2654435761).toString(36)} `, at, 'latin1');
  }
  return bytes;
}

/** xorshift32. */
function createRandom(): () => number {
  let state = 2463534242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
