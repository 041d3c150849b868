import type { Session } from '../model/session.js';

/** The same session for one of several builds at a time: their lines and stages would be mixed. */
export function silence(session: Session): Session {
  return { ...session, log: () => {}, onStage: () => {}, onWork: undefined, showLine: undefined };
}
