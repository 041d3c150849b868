import type { Session } from '../model/session.js';

/** The session of one build among several at a time, without its lines and stages: they would be mixed with the others'. */
export function silence(session: Session): Session {
  return { ...session, log: () => {}, onStage: () => {}, onWork: undefined, showLine: undefined };
}
