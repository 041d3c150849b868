import type { Connection } from './connection.js';
import { createAnswerError } from './errors.js';

/** Bytes of one request: what is sent again when a connection breaks. */
const chunkSize = 8 * 2 ** 20;
/** Chunks that may fail in one upload. */
const mostFailures = 5;

export interface Upload {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  read(offset: number, end: number): Promise<Uint8Array>;
}

/**
 * One upload in chunks. After a broken connection the registry is asked how much it has, and the upload goes on from there. False: the
 * registry no longer knows the upload. Debian's (distribution 2.8) drops one whose size is not what its own address says, which is so
 * after half a chunk. Errors: `registry-*`.
 */
export async function uploadBlob(connection: Connection, { digest, size, read }: Upload): Promise<boolean> {
  const what = `the blob ${digest}`;
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
    const request = { method: 'PATCH', path: location, what, headers, body: chunk } as const;
    const response = await connection.send({ ...request, accept: [404, 416] });
    if (response.status === 404) return false;
    if (response.ok) {
      location = readLocation(connection, response);
      offset = end;
      continue;
    }
    failures += 1;
    if (failures > mostFailures) return false;
    const state = await connection.send({ method: 'GET', path: location, what, accept: [404] });
    if (state.status === 404) return false;
    location = readLocation(connection, state);
    offset = readRange(state, size);
  }
  const finish = new URL(location);
  finish.searchParams.set('digest', digest);
  const body = new Uint8Array(0);
  return (await connection.send({ method: 'PUT', path: finish, what, body, accept: [404] })).ok;
}

/** Where an upload goes on. */
function readLocation({ reference }: Connection, response: Response): URL {
  const location = response.headers.get('location');
  if (location !== null && URL.canParse(location, response.url)) return new URL(location, response.url);
  throw createAnswerError(reference.text, 'the registry began an upload without saying where it goes on');
}

/** `0-1023`: the registry has 1024 bytes. `0-0` is what Debian's says of none. */
function readRange(response: Response, size: number): number {
  const [, last = '0'] = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get('range') ?? '') ?? [];
  const has = last === '0' ? 0 : Number(last) + 1;
  return has <= size ? has : 0;
}
