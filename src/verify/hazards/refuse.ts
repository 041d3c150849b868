import type { Archive } from '../../model/archive.js';
import { MobyPatchError } from '../../model/error.js';
import type { Hazard } from '../../model/hazard.js';
import { compareHazards, findHazards } from './find.js';

/**
 * An output must not be able to fail in a way in which the input could not. Answers the hazards that are no
 * reason to refuse it. Error (`failed`): `boot-hazard`.
 */
export async function refuseHazards(image: Archive, written: Archive): Promise<readonly Hazard[]> {
  if (written.layout.sha256 === image.layout.sha256) return [];
  const after = await findHazards(written);
  // The old image is read again only when it decides something.
  const before = after.some(({ severity }) => severity === 'fatal') ? await findHazards(image) : [];
  const { introduced, known } = compareHazards(before, after);
  const [first] = introduced;
  if (first === undefined) return known;
  throw new MobyPatchError('failed', 'boot-hazard', introduced.map(({ message }) => message).join('; '), {
    path: `${written.name}: ${first.path}`,
    hint: first.hint,
  });
}
