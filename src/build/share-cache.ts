import type { BuildRequest } from '../model/build.js';
import type { Session } from '../model/session.js';

/** The session with a registry behind its cache, where one is configured. Error (`invalid`): `registry-reference`. */
export async function shareCache(
  { sharedCache }: Pick<BuildRequest, 'sharedCache'>,
  session: Session,
): Promise<Session> {
  if (sharedCache === undefined) return session;
  const { createSharedCache } = await import('../registry/shared-cache.js');
  const { cache, environment, signal, sharing = { left: new Set(), log: session.log } } = session;
  return {
    ...session,
    cache: createSharedCache(cache, { reference: sharedCache, environment, signal, ...sharing }),
  };
}
