import type { ExaminedSession, Finding } from './finding.js';
import { examineProgram, type Program } from './programs.js';

/** Codec -> its program; gzip needs none. */
const programs: Readonly<Record<string, Program>> = {
  xz: { argv: ['xz', '--version'], package: 'xz-utils' },
  zstd: { argv: ['zstd', '--version'], package: 'zstd' },
  lz4: { argv: ['lz4', '--version'], package: 'lz4' },
  lzo: { argv: ['lzop', '--version'], package: 'lzop' },
  // Prints its licence and then compresses its input, which it has none of.
  bzip2: { argv: ['bzip2', '--version'], package: 'bzip2' },
};

/** The programs of the compressions. */
export async function* examineCodecs({ signal }: ExaminedSession): AsyncGenerator<Finding> {
  yield { name: 'codec gzip', ready: true, needed: true, reason: 'built in' };
  for (const [codec, program] of Object.entries(programs))
    yield await examineProgram(`codec ${codec}`, program, signal);
}
