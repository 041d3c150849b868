import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { CodecImplementation } from '../codec.js';
import { runSize } from '../piece.js';
import { readGzipMember, scanGzipMember } from './reader.js';

export const gzip: CodecImplementation = {
  read: readGzipMember,
  scan: scanGzipMember,
  async *write(source, settings) {
    // Most commands only read.
    const { writeGzip } = await import('./writer.js');
    const options = { runSize: settings.single ? undefined : runSize, recipe: createRecipe(settings.level) };
    return yield* writeGzip(source, { ...settings, ...options });
  },
  // A member of less costs size: a hundredth at a quarter of it.
  runSize: () => runSize,
  runs: {
    recipe: ({ level }) => createRecipe(level),
    decode: (member, limit) => promisify(gunzip)(member, { maxOutputLength: limit }),
  },
};

function createRecipe(level: number): string {
  return `gzip libdeflate-1.23 ${level}`;
}
