import type { InputFile } from '../io/file/input-file.js';
import type { Work } from '../model/session.js';

/** Bytes that reading may leave out; a jump over more is a look at the end of the file. */
const near = 2 ** 23;

/** Tells how far a file was read from its start on, when it is read further than ever before. */
export function watchReads(file: InputFile, onWork: ((work: Work) => void) | undefined): InputFile {
  if (onWork === undefined) return file;
  const total = file.size;
  let done = 0;
  let last = 0;
  const reach = (offset: number, end: number) => {
    const goesOn = offset <= done + near || offset === last;
    last = end;
    if (!goesOn || end <= done || done === total) return;
    done = Math.min(end, total);
    onWork({ done, total });
  };
  return {
    ...file,
    read(offset, end) {
      reach(offset, end);
      return file.read(offset, end);
    },
    fill(bytes, offset) {
      reach(offset, offset + bytes.length);
      return file.fill(bytes, offset);
    },
  };
}
