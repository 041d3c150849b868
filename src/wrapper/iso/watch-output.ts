import { stat } from 'node:fs/promises';
import { MobyPatchError } from '../../model/error/error.js';

export interface WatchRequest {
  /** The file that the program writes. */
  readonly path: string;
  /** What messages call the program. */
  readonly program: string;
  /** What messages call the image that the program reads. */
  readonly name: string;
  /** Bytes that the file may have. */
  readonly limit: number;
  /** Seconds in which it must grow. */
  readonly patience: number;
  readonly hint: string;
  readonly signal: AbortSignal;
}

export interface OutputWatch extends Disposable {
  /** Ends the program: `signal` of the request, or what the watch found. */
  readonly signal: AbortSignal;
}

const interval = 500;

/**
 * Watches a file that a program writes. A fixed time would be too short for a large image on a slow disk, and too long for a small one
 * that leads the program in circles. Reasons of its signal: `wrapper-program`.
 */
export function watchOutput({ signal, ...request }: WatchRequest): OutputWatch {
  const { path, limit, patience } = request;
  const stopped = new AbortController();
  const stop = (problem: string) => stopped.abort(createError(request, problem));
  let [size, turns] = [-1, 0];
  const timer = setInterval(async () => {
    const now = (await stat(path).catch(() => undefined))?.size ?? 0;
    turns = now > size ? 0 : turns + 1;
    size = now;
    if (size > limit) stop(`wrote more than ${limit} bytes`);
    else if (turns * interval >= patience * 1000) stop(`wrote nothing for ${patience} s`);
  }, interval);
  return {
    signal: AbortSignal.any([signal, stopped.signal]),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function createError({ program, name, hint }: Omit<WatchRequest, 'signal'>, problem: string): MobyPatchError {
  return new MobyPatchError('failed', 'wrapper-program', `${program} ${problem} and was ended`, {
    path: name,
    hint,
  });
}
