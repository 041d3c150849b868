import { MobyPatchError } from '../../../model/error/error.js';

export interface Refusal {
  /** Which image, for the message: `the new image`. */
  readonly what: string;
  readonly reason: string | undefined;
  /** The file of the console; absent where none was saved. */
  readonly console?: string | undefined;
  readonly hint: string;
}

/** `boot-refused` (`boot`). */
export function createRefusedError({ what, reason, console, hint }: Refusal): MobyPatchError {
  const message = `${what} did not boot as it must: ${reason}`;
  return new MobyPatchError('boot', 'boot-refused', message, { path: console, hint });
}
