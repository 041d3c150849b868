import { noCache } from '../io/cache.js';
import type { Cache } from '../model/cache.js';
import type { Outcome } from '../model/result/report.js';
import type { Session } from '../model/session.js';

/** What a wrong entry of the cache can bring about: a defect, or a written image that is not what it should be. */
const suspicious =
  /^(internal|output-differs|image-(invalid|truncated|corrupt|unsupported|too-large)|member-\w+)$/;

/**
 * Runs a build. Where it fails in a way that a wrong entry of the cache can explain, it runs once more with nothing
 * of what is cached, and writes those entries anew.
 */
export async function healCache(
  session: Session,
  work: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  let hits = 0;
  const count = <T>(found: T | undefined): T | undefined => {
    if (found !== undefined) hits += 1;
    return found;
  };
  const { cache, signal, log } = session;
  const counting: Cache = {
    ...cache,
    read: (...wanted) => cache.read(...wanted).then(count),
    open: (...wanted) => cache.open(...wanted).then(count),
  };
  const outcome = await work({ ...session, cache: counting });
  const { error } = outcome.report;
  if (hits === 0 || signal.aborted || error === undefined || !suspicious.test(error.code)) return outcome;
  try {
    log(`${error.message.split('\n')[0]}; trying again without what earlier builds left in the cache`);
  } catch {
    // A log that throws is the defect, and the outcome has it.
    return outcome;
  }
  const empty: Cache = { ...noCache, write: (...written) => cache.write(...written) };
  return work({ ...session, cache: empty });
}
