import type { Session } from '../model/session.js';

/** The session of a plan within another use case: without its lines and stages, but with how far it has read. */
export function silencePlan(session: Session): Session {
  return { ...session, log: () => {}, onStage: () => {} };
}

/**
 * The session of builds among several at a time: their lines and stages would be mixed. What is wrong with a cache that they share is
 * still told, once.
 */
export function silence(session: Session): Session {
  const sharing = session.sharing ?? { left: new Set(), log: session.log };
  return { ...silencePlan(session), onWork: undefined, showLine: undefined, sharing };
}
