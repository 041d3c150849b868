import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';

/** The lines of a program's output, without their ends; names in it need not be text. */
export async function* splitLines(output: Bytes): AsyncGenerator<Uint8Array, void, void> {
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of output) {
    const bytes = Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield rest;
}

/** `inner-unreadable` (`invalid`). */
export function createInnerError(path: string, kind: string, said: string): MobyPatchError {
  return new MobyPatchError('invalid', 'inner-unreadable', `the ${kind} in it cannot be read: ${said}`, {
    path,
  });
}
