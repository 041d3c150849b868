import { MobyPatchError } from '../model/error/error.js';
import type { Position } from '../model/patch/patch.js';
import { formatPosition } from '../yaml/problems.js';

/**
 * An error of a step with the step's place in the patch file as its path; a path that it had goes into the message.
 * What the system says, and an abort, stay as they are.
 */
function placeError(error: unknown, at: Position): unknown {
  if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') return error;
  const place = formatPosition(at);
  const { kind, code, message, hint, path, offset, output, problems } = error;
  if (path === place) return error;
  const isNamed = path === undefined || message.includes(path);
  const where = offset === undefined ? '' : ` (at byte ${offset})`;
  const text = isNamed ? `${message}${where}` : `${path}${where}: ${message}`;
  return new MobyPatchError(kind, code, text, { path: place, hint, output, problems, cause: error });
}

/** Runs a part of a step; its errors have the step's place. */
export async function runPlaced<T>(at: Position, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw placeError(error, at);
  }
}
