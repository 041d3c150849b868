import { createHash } from 'node:crypto';
import type { Bytes } from '../model/image/entry.js';
import type { Connection } from './connection.js';
import { createAnswerError, createDigestError } from './errors.js';
import { uploadBlob } from './upload-blob.js';
import { watchSilence } from './watch-silence.js';

/** What a registry calls a blob. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Uploads of one blob that a registry may lose. */
const mostLost = 5;

/** The bytes of a blob; the last of them are given only when all are what the digest says. Errors: `registry-*`. */
export async function* readBlob(
  connection: Connection,
  { digest, size }: Descriptor,
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  const { reference, signal } = connection;
  const what = `the blob ${digest}`;
  const response = await connection.send({ method: 'GET', path: `blobs/${digest}`, what });
  const hash = createHash('sha256');
  let left = size;
  let held: Uint8Array | undefined;
  for await (const piece of watchSilence(response, { what, reference, signal })) {
    left -= piece.length;
    if (left < 0) throw createDigestError(reference.text, what);
    hash.update(piece);
    if (held !== undefined) yield held;
    held = piece;
  }
  if (left !== 0 || `sha256:${hash.digest('hex')}` !== digest) throw createDigestError(reference.text, what);
  if (held !== undefined) yield held;
}

/** Bytes that are sent: a whole file, or a few. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  read(offset: number, end: number): Promise<Uint8Array>;
  /** Called where the registry has it not. */
  readonly onStart?: () => void;
}

/** Uploads a blob unless the registry has it. Whether it was sent. Errors: `registry-*`. */
export async function writeBlob(connection: Connection, source: BlobSource): Promise<boolean> {
  if (await hasBlob(connection, source)) return false;
  source.onStart?.();
  const upload = { ...source.descriptor, read: source.read };
  for (let lost = 0; lost < mostLost; lost += 1) {
    // Where just the answer to the end of an upload was lost, the blob is there.
    if ((await uploadBlob(connection, upload)) || (await hasBlob(connection, source))) return true;
  }
  const message = `the registry lost ${mostLost} uploads of the blob ${source.descriptor.digest}`;
  throw createAnswerError(connection.reference.text, message);
}

async function hasBlob({ send }: Connection, { descriptor: { digest } }: BlobSource): Promise<boolean> {
  const what = `the blob ${digest}`;
  return (await send({ method: 'HEAD', path: `blobs/${digest}`, what, accept: [404] })).ok;
}
