import type { Swarm, SwarmTask } from '../../engine/docker/swarm.js';
import type { ErrorReport } from '../../model/error/error.js';
import { createGivenUp, type GivenUp } from './give-up.js';

/** States of a task that does nothing any more. */
const ended = new Set(['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove']);
const isFailure = ({ state }: SwarmTask) => state === 'failed' || state === 'rejected';

export const isAlive = ({ state }: SwarmTask): boolean => !ended.has(state);

export interface SwarmTries {
  readonly givenUp: GivenUp;
  /** Leaves out what failed before this run: it may be mended since. */
  ignore(tasks: readonly SwarmTask[]): void;
  /** Counts what is new among the tasks of a service. `nameOf`: the job of a slot. */
  note(tasks: readonly SwarmTask[], nameOf: (slot: number) => string): Promise<void>;
}

export interface TriesOptions {
  readonly retries: number;
  readonly swarm: Pick<Swarm, 'readTaskLog'>;
  readonly log: (line: string) => void;
}

/**
 * Counts how often jobs failed in a Swarm, and says why. Docker 20.10 counts no attempts of a replicated job: with `MaxAttempts` 1 it began
 * a job that always failed 47 times in two minutes, and a container image that is not there 150 times in one.
 */
export function createSwarmTries({ retries, swarm, log }: TriesOptions): SwarmTries {
  const seen = new Map<string, Set<string>>();
  const ignored = new Set<string>();
  const waits = new Set<string>();
  const givenUp = new Map<string, ErrorReport>();

  async function noteFailure(task: SwarmTask, name: string): Promise<void> {
    const failures = seen.get(name) ?? new Set();
    if (failures.has(task.id) || ignored.has(task.id) || givenUp.has(name)) return;
    seen.set(name, failures.add(task.id));
    const text = await describeFailure(task, swarm);
    log(`${name}: try ${failures.size} of ${retries + 1}: ${text}`);
    if (failures.size > retries) givenUp.set(name, createGivenUp(failures.size, text));
  }

  function noteWait({ state, fault }: SwarmTask, name: string): void {
    if (state !== 'pending' || fault === '' || waits.has(fault)) return;
    waits.add(fault);
    log(`${name} waits: ${fault}`);
  }

  return {
    givenUp,
    ignore(tasks) {
      for (const task of tasks.filter(isFailure)) ignored.add(task.id);
    },
    async note(tasks, nameOf) {
      for (const task of tasks) {
        const name = nameOf(task.slot);
        if (isFailure(task)) await noteFailure(task, name);
        else noteWait(task, name);
      }
    },
  };
}

/** The last lines that the job printed; if there are none, the message of the Swarm. */
async function describeFailure(
  { id, node, state, message }: SwarmTask,
  { readTaskLog }: TriesOptions['swarm'],
): Promise<string> {
  // The log, or its node, may be gone; the other jobs go on.
  const printed = state === 'failed' ? await readTaskLog(id).catch(() => '') : '';
  const last = printed.trim().split('\n').slice(-2).join(' ');
  return `node ${node.slice(0, 12)}: ${last || message || state}`;
}
