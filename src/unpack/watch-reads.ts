import type { InputFile } from '../io/file/input-file.js';
import type { Work } from '../model/session.js';

/** Tells how far a file was read, when it is read further than ever before. */
export function watchReads(file: InputFile, onWork: ((work: Work) => void) | undefined): InputFile {
  if (onWork === undefined) return file;
  const total = file.size;
  let done = 0;
  const reach = (offset: number) => {
    if (offset <= done || done === total) return;
    done = Math.min(offset, total);
    onWork({ done, total });
  };
  return {
    ...file,
    read(offset, end) {
      reach(end);
      return file.read(offset, end);
    },
    fill(bytes, offset) {
      reach(offset + bytes.length);
      return file.fill(bytes, offset);
    },
  };
}
