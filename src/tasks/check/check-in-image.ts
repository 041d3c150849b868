import { tryPatches } from '../../build.js';
import type { Session } from '../../model/session.js';
import { createBuildRequest } from '../../setup/build-request.js';
import { type CheckedFile, explainError, toChecked, toFinding } from './findings.js';

export interface ImageCheckRequest {
  readonly image: readonly string[];
  /** Folders or ids of patches; none: those of the configuration. */
  readonly named: readonly string[];
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly strict?: boolean | undefined;
}

/** Whether patches fit an image: each step is tried on it, as far as no command runs before it. */
export async function checkInImage(
  { image, named, settings, strict = false }: ImageCheckRequest,
  session: Session,
): Promise<CheckedFile> {
  const name = image.join(' ');
  try {
    const request = await createBuildRequest(
      {
        image: [...image],
        ...(named.length > 0 && { patches: named }),
        ...(settings !== undefined && { settings }),
        verify: false,
        writes: false,
        mayLackSecrets: true,
      },
      session,
    );
    const { problems, warnings } = await tryPatches(request, session);
    return toChecked('image', name, [
      ...[...(request.faults ?? []), ...problems].flatMap((error) => explainError(error, name, strict)),
      ...warnings.map((problem) => toFinding(problem, strict)),
    ]);
  } catch (error) {
    return toChecked('image', name, explainError(error, name, strict));
  }
}
