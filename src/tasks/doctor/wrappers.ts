import type { ExaminedSession, Finding } from './finding.js';
import { examineProgram, type Program } from './programs.js';

/** What a larger initrd in an ISO, or any change of a squashfs, is written by; the other kinds need no program. */
const programs: Readonly<Record<string, Program>> = {
  iso: { argv: ['xorriso', '--version'], package: 'xorriso' },
  squashfs: { argv: ['tar2sqfs', '--version'], package: 'squashfs-tools-ng' },
};

/** The programs of files with an initrd inside. */
export async function* examineWrappers({ signal }: ExaminedSession): AsyncGenerator<Finding> {
  for (const [kind, program] of Object.entries(programs))
    yield await examineProgram(`wrapper ${kind}`, program, signal);
}
