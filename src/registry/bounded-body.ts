import { parseJson } from '../format/parse-json.js';
import { createAnswerError } from './errors.js';

/** The body of an answer, of at most `limit` bytes. Error: `registry-answer`; those of `fetch`. */
export async function readBody(response: Response, limit: number, path: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > limit) throw createAnswerError(path, `the registry answered with more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Undefined: it is no JSON. */
export async function readJson(response: Response, limit: number, path: string): Promise<unknown> {
  return parseJson(Buffer.from(await readBody(response, limit, path)).toString('utf8'));
}
