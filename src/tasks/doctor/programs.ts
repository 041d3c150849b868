import { runProcess } from '../../io/process/process.js';
import { examine, type Finding } from './finding.js';

export interface Program {
  /** Prints its version. */
  readonly argv: readonly string[];
  /** Of Debian. */
  readonly package: string;
}

/** A finding with the version of a program. */
export async function examineProgram(
  name: string,
  { argv, package: debianPackage }: Program,
  signal: AbortSignal,
): Promise<Finding> {
  return examine({ name }, async () => {
    const { output } = await runProcess(argv, { signal, timeout: 30, package: debianPackage });
    return /\d+(?:\.\d+)+/.exec(output)?.[0] ?? 'there';
  });
}
