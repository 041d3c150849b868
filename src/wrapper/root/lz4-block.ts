/**
 * Unpacks a raw LZ4 block and returns whether it filled `output`. `lz4` reads only frames, and only the index of the file system
 * tells how much such a block unpacks to.
 */
export function unpackBlock(input: Uint8Array, output: Uint8Array): boolean {
  let at = 0;
  let done = 0;
  const readLength = (start: number): number => {
    let length = start;
    if (start !== 15) return length;
    for (let byte = 255; byte === 255; ) {
      byte = input[at++] ?? -1;
      if (byte < 0) return Number.NaN;
      length += byte;
    }
    return length;
  };
  while (at < input.length && done < output.length) {
    const token = input[at++] ?? 0;
    const literals = Math.min(readLength(token >> 4), output.length - done);
    if (!(at + literals <= input.length)) return false;
    copyLiterals(input, { at, end: at + literals }, { output, done });
    at += literals;
    done += literals;
    if (done === output.length) return true;
    if (at + 2 > input.length) return false;
    const distance = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    at += 2;
    const length = readLength(token & 15) + 4;
    if (distance === 0 || distance > done || Number.isNaN(length)) return false;
    const end = Math.min(done + length, output.length);
    copyBack(output, { at: done, end, distance });
    done = end;
  }
  return done === output.length;
}

/** A call of the runtime costs more than a few bytes. */
const few = 32;

function copyLiterals(
  input: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
  { output, done }: { readonly output: Uint8Array; readonly done: number },
): void {
  if (end - at > few) output.set(input.subarray(at, end), done);
  else for (let from = at, to = done; from < end; from += 1, to += 1) output[to] = input[from] ?? 0;
}

/** Copies bytes that were written before; a range that overlaps its copy repeats. */
function copyBack(
  output: Uint8Array,
  { at, end, distance }: { readonly at: number; readonly end: number; readonly distance: number },
): void {
  if (end - at > few && end - at <= distance) output.copyWithin(at, at - distance, end - distance);
  else for (let index = at; index < end; index += 1) output[index] = output[index - distance] ?? 0;
}
