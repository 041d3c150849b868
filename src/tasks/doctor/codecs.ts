import { runProcess } from '../../io/process/process.js';
import { type ExaminedSession, examine, type Finding } from './finding.js';

/** Codec -> program and Debian package; gzip needs none. */
const programs: Readonly<Record<string, { readonly argv: readonly string[]; readonly package: string }>> = {
  xz: { argv: ['xz', '--version'], package: 'xz-utils' },
  zstd: { argv: ['zstd', '--version'], package: 'zstd' },
  lz4: { argv: ['lz4', '--version'], package: 'lz4' },
  lzo: { argv: ['lzop', '--version'], package: 'lzop' },
  bzip2: { argv: ['bzip2', '--version'], package: 'bzip2' },
};

/** The programs of the compressions, and of file systems inside an image. */
export async function* examineCodecs({ signal }: ExaminedSession): AsyncGenerator<Finding> {
  yield { name: 'codec gzip', ready: true, needed: true, reason: 'built in' };
  for (const [codec, { argv, package: debianPackage }] of Object.entries(programs))
    yield await examine({ name: `codec ${codec}` }, async () => {
      // bzip2 prints its licence and then compresses its input, which it has none of.
      const { output } = await runProcess(argv, { signal, timeout: 30, package: debianPackage });
      return /\d+(?:\.\d+)+/.exec(output)?.[0] ?? 'there';
    });
}
