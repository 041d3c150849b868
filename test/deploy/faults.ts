import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Faults extends Disposable {
  /**
   * The environment in which a program is killed, or gets the error, at the call number `at` of those that change
   * the disk below `root`; 0: at none.
   */
  arm(root: string, at: number, error?: number): Record<string, string>;
  /** The calls of the last run, with their names and paths. */
  calls(): readonly string[];
}

/** Compiles `fault.c`, which counts the calls to the C library in all threads and children of a program. */
export function createFaults(): Faults {
  const folder = mkdtempSync(join(tmpdir(), 'moby-patch-faults-'));
  const [library, count, log] = ['fault.so', 'count', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, 'test/deploy/fault.c', '-ldl']);
  return {
    arm(root, at, error = 0) {
      writeFileSync(count, Buffer.alloc(8));
      writeFileSync(log, '');
      return {
        LD_PRELOAD: library,
        FAULT_ROOT: root,
        FAULT_COUNT: count,
        FAULT_LOG: log,
        FAULT_AT: String(at),
        FAULT_ERROR: String(error),
      };
    },
    calls: () => readFileSync(log, 'utf8').trimEnd().split('\n'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
