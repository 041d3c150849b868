import { ownerOnly } from '../io/place/access.js';
import { readAccessOfAll } from '../io/place/access-list.js';
import type { FileAccess } from '../model/access.js';
import type { BuildRequest } from '../model/build.js';
import type { Image } from '../model/image/archive.js';
import type { Plan } from '../model/patch/plan.js';

/** What a boot may show: the image and the disks that it had. */
export async function listShown(
  inputs: readonly FileAccess[],
  { verify }: Pick<BuildRequest, 'verify'>,
): Promise<readonly FileAccess[]> {
  return [...inputs, ...(await readAccessOfAll(verify?.disks))];
}

/** What a new file is made from: it is no more readable than these. */
export function listInputs({ access }: Image, { steps }: Plan): readonly FileAccess[] {
  return steps.some(({ stores }) => stores.length > 0) ? [access, ownerOnly] : [access];
}
