import { parseJson } from '../format/parse-json.js';
import { createAnswerError } from './errors.js';
import type { Reference } from './reference.js';
import { watchSilence } from './watch-silence.js';

export interface BodyOptions {
  /** Bytes. */
  readonly limit: number;
  /** What is asked for, for messages: `the manifest`. */
  readonly what: string;
  readonly reference: Reference;
  readonly signal: AbortSignal;
}

/** Seconds for a whole body of bounded size. */
const patience = 120;

/** The body of an answer, of at most `limit` bytes. Errors: `registry-answer`, `registry-unreachable`. */
export async function readBody(response: Response, options: BodyOptions): Promise<Uint8Array> {
  const { limit, reference } = options;
  const pieces: Uint8Array[] = [];
  const end = performance.now() + patience * 1000;
  let size = 0;
  for await (const piece of watchSilence(response, options)) {
    size += piece.length;
    if (size > limit)
      throw createAnswerError(reference.text, `the registry answered with more than ${limit} bytes`);
    if (performance.now() > end)
      throw createAnswerError(
        reference.text,
        `the registry took more than ${patience} s for ${options.what}`,
      );
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Undefined: it is no JSON. */
export async function readJson(response: Response, options: BodyOptions): Promise<unknown> {
  return parseJson(Buffer.from(await readBody(response, options)).toString('utf8'));
}
