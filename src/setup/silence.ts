import type { Session } from '../model/session.js';

/** The session of a plan within another use case: without its lines and stages, but with how far it has read. */
export function silencePlan(session: Session): Session {
  return { ...session, log: () => {}, onStage: () => {} };
}

/** The session of one build among several at a time: their lines and stages would be mixed. */
export function silence(session: Session): Session {
  return { ...silencePlan(session), onWork: undefined, showLine: undefined };
}
