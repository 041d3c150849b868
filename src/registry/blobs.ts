import { createHash } from 'node:crypto';
import type { Bytes } from '../model/image/entry.js';
import type { Connection } from './connection.js';
import { createAnswerError, createDigestError } from './errors.js';
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

/** Bytes of one request: what is sent again when a connection breaks. */
const chunkSize = 8 * 2 ** 20;
/** Chunks that may fail in one upload. */
const mostFailures = 5;

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

/**
 * Uploads a blob in chunks, unless the registry has it. Where a connection breaks, the registry is asked how much it has,
 * and the upload goes on from there. Whether it was sent. Errors: `registry-*`.
 */
export async function writeBlob(
  connection: Connection,
  { descriptor, read, onStart }: BlobSource,
): Promise<boolean> {
  const { digest, size } = descriptor;
  const what = `the blob ${digest}`;
  const present = await connection.send({ method: 'HEAD', path: `blobs/${digest}`, what, accept: [404] });
  if (present.ok) return false;
  onStart?.();
  const started = await connection.send({ method: 'POST', path: 'blobs/uploads/', what });
  let location = readLocation(connection, started);
  let offset = 0;
  for (let failures = 0; offset < size; ) {
    const chunk = await read(offset, Math.min(size, offset + chunkSize));
    const end = offset + chunk.length;
    const headers = {
      'content-type': 'application/octet-stream',
      'content-range': `${offset}-${end - 1}`,
    };
    // 416: the registry has another part than the one that it was asked to go on from.
    const request = { method: 'PATCH', path: location, what, headers, body: chunk, accept: [416] } as const;
    const response = await connection.send(request);
    if (response.ok) {
      location = readLocation(connection, response);
      offset = end;
      continue;
    }
    failures += 1;
    if (failures > mostFailures)
      throw createAnswerError(connection.reference.text, `the registry refused a chunk of ${what} (416)`);
    const state = await connection.send({ method: 'GET', path: location, what });
    location = readLocation(connection, state);
    offset = readRange(state, size);
  }
  const finish = new URL(location);
  finish.searchParams.set('digest', digest);
  await connection.send({ method: 'PUT', path: finish, what, body: new Uint8Array(0) });
  return true;
}

/** Where an upload goes on. */
function readLocation({ reference }: Connection, response: Response): URL {
  const location = response.headers.get('location');
  if (location !== null && URL.canParse(location, response.url)) return new URL(location, response.url);
  throw createAnswerError(reference.text, 'the registry began an upload without saying where it goes on');
}

/** `0-1023`: the registry has 1024 bytes. */
function readRange(response: Response, size: number): number {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get('range') ?? '') ?? [];
  const has = last === undefined ? 0 : Number(last) + 1;
  return has <= size ? has : 0;
}
