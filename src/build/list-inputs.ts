import { ownerOnly } from '../io/place/access.js';
import type { FileAccess } from '../model/access.js';
import type { Image } from '../model/image/archive.js';
import type { Plan } from '../model/patch/plan.js';

/** What a new file is made from: it is no more readable than these. */
export function listInputs({ access }: Image, { steps }: Plan): readonly FileAccess[] {
  return steps.some(({ stores }) => stores.length > 0) ? [access, ownerOnly] : [access];
}
