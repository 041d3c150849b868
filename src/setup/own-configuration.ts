import { assertNotPlanted, assertOwnFolder } from '../io/place/trust.js';
import type { Places } from '../model/session.js';

/**
 * Refuses patches and image definitions that are found by their ids, where somebody else may have put them there.
 * Error (`invalid`): `folder-unsafe`.
 */
export async function assertOwnConfiguration({ folder, config, patches, images }: Places): Promise<void> {
  const instead = 'XDG_CONFIG_HOME=DIR names another';
  await assertOwnFolder({ path: config, what: 'a configuration folder', instead });
  // Those of the working folder come first.
  for (const path of [...patches, ...images].filter((each) => each.startsWith(`${folder}/`)))
    await assertNotPlanted(path);
}
