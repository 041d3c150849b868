import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, runMoby } from '../../fixtures/images/moby.js';

export interface FaultCommand {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Of the calls that change the disk: the number of one, from 1; 0 is none. */
export interface Fault {
  readonly at: number;
  /** errno of that call; without it the program is killed before the call. */
  readonly error?: number;
}

export interface Faults extends AsyncDisposable {
  /** In a process of its own. */
  run(command: FaultCommand, fault: Fault): Promise<Ran>;
  /** In one process for all such calls: nothing in it is killed. */
  call(command: FaultCommand, fault: Required<Fault>): Promise<Ran>;
  /** The calls of the last run: their names and paths. */
  calls(): readonly string[];
}

/**
 * Compiles `fault.c`, which counts the calls to the C library below `root` in all threads and children of a program:
 * those that change the disk, or those that read.
 */
export function createFaults(root: string, { reads = false } = {}): Faults {
  const folder = mkdtempSync(join(tmpdir(), 'moby-patch-faults-'));
  const [library, state, log] = ['fault.so', 'state', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, 'test/deploy/faults/fault.c', '-ldl']);
  const preload = {
    LD_PRELOAD: library,
    FAULT_ROOT: root,
    FAULT_STATE: state,
    FAULT_LOG: log,
    ...(reads && { FAULT_READS: '1' }),
  };
  const arm = ({ at, error = 0 }: Fault): void => {
    // The file is mapped into the program: it must stay the same one.
    writeFileSync(state, new BigInt64Array([0n, BigInt(at), BigInt(error)]), { flag: 'r+' });
    writeFileSync(log, '');
  };
  writeFileSync(state, '');
  arm({ at: 0 });
  const path = fileURLToPath(new URL('fault-runner.js', import.meta.url));
  let runner: ReturnType<typeof fork> | undefined;
  return {
    run({ argv, folder: project, environment }, fault) {
      arm(fault);
      return runMoby(argv, { folder: project, environment: { ...environment, ...preload } });
    },
    async call(command, fault) {
      runner ??= fork(path, { env: { ...process.env, ...command.environment, ...preload } });
      arm(fault);
      const answer = once(runner, 'message');
      runner.send(command);
      const [ran] = await answer;
      return ran;
    },
    calls: () => readFileSync(log, 'utf8').trimEnd().split('\n'),
    async [Symbol.asyncDispose]() {
      if (runner !== undefined) {
        const exited = once(runner, 'exit');
        runner.disconnect();
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
