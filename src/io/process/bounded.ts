import { createContext, Script } from 'node:vm';

/** Milliseconds of the processor's time. */
const usualLimit = 500;
/** A busy machine gives a process little time: so often is the work begun again. */
const mostRounds = 10;

/** The value of the work; undefined for work that took too long. */
export type RunBounded = <T>(work: () => T) => { readonly value: T } | undefined;

/**
 * Runs work in this thread that may never end: a regular expression of a user on text of anybody. V8 can only end what it
 * runs with a time limit of node:vm. The work has no effects, since it is ended anywhere, and may be begun again. A call
 * costs a tenth of a millisecond, so much is done in one.
 */
export function createBoundedRunner(limit = usualLimit): RunBounded {
  const place: { work: () => unknown } = { work: () => undefined };
  const context = createContext(place);
  const script = new Script('work()');
  return <T>(work: () => T) => {
    place.work = work;
    for (let round = 0; round < mostRounds; round += 1) {
      const before = process.cpuUsage();
      try {
        return { value: script.runInContext(context, { timeout: limit }) as T };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      }
      const { user, system } = process.cpuUsage(before);
      if ((user + system) / 1000 >= limit / 2) return undefined;
    }
    return undefined;
  };
}
