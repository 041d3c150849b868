import type { InputFile } from '#src/io/file/input-file.js';

/** There is no file that a program could read. */
export const wantsProgram = new RangeError('a program wants the file');

/** Bytes as an open file. */
export function createMemoryFile(bytes: Uint8Array): InputFile {
  return {
    name: 'fuzz',
    path: 'fuzz',
    size: bytes.length,
    access: { mode: 0o600, uid: 0, gid: 0 },
    read: async (offset, end) => bytes.slice(offset, Math.max(offset, end)),
    fill(into, offset) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    reopen: async () => {
      throw wantsProgram;
    },
    copy: async () => {
      throw wantsProgram;
    },
    assertUnchanged: async () => {},
    async [Symbol.asyncDispose]() {},
  };
}
