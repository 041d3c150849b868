import type { Deployment, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ReadingSession } from '../model/session.js';
import { assessImage } from './assess-image.js';
import { completeCommands } from './next-command.js';
import { findTarget, listLacks, type Target } from './target.js';
import { completeRequest, type DeployRequest, loadWantedPatches } from './wanted-patches.js';

export interface ImageStatus extends Status {
  /** Whether the installed image has the wanted patches. */
  readonly wanted: boolean;
  /** The id or the path, as the user gave it. */
  readonly name: string;
  /** The real path of the image; this and all below is absent when no image was found. */
  readonly image?: string;
  /** Which of the definition's installations it is. */
  readonly generation?: string | undefined;
  /** The version of the application. */
  readonly version?: string | undefined;
  readonly sha256?: string | undefined;
  readonly size?: number | undefined;
  /** The folder with the state. */
  readonly state?: string;
  /** Whether `state.json` was lost, and the records of builds and backups replace it. */
  readonly rebuilt?: boolean;
  /** Whose patched image is installed. */
  readonly deployment?: Deployment | undefined;
}

export type StatusOptions = Omit<DeployRequest, 'verify'>;

/** Where the installed image stands; changes nothing. Errors: those of `findTarget` and `loadWantedPatches`. */
export async function status(options: StatusOptions, session: ReadingSession): Promise<ImageStatus> {
  try {
    const target = await findTarget(options, session);
    const { image, folder, installed, state, name } = target;
    const request = await completeRequest({ ...options, verify: false }, target, session);
    const wanted =
      request === undefined || installed === undefined
        ? undefined
        : await loadWantedPatches(request, session);
    const { deployment, ...assessed } = await assessImage({ target, wanted }, session);
    const judged = isRestored(target) ? explainRestored(assessed) : assessed;
    return {
      ...judged,
      next: completeCommands(judged.next, {
        request: options,
        ...listLacks(target, options),
      }),
      wanted: judged.status === 'patched',
      name,
      image: folder.image,
      generation: image?.generation,
      version: image?.version,
      sha256: installed?.sha256,
      size: installed?.size,
      state: folder.path,
      rebuilt: state.rebuilt,
      deployment,
    };
  } catch (error) {
    return { ...explainAbsence(error), wanted: false, name: options.image ?? 'the image' };
  }
}

/** Whether the stock image was put back on purpose: `reapply` does nothing then. */
function isRestored({ predecessor, state }: Target): boolean {
  return (predecessor ?? state).wanted === 'stock';
}

function explainRestored<Judged extends Status>(judged: Judged): Judged {
  if (judged.status !== 'upgraded') return judged;
  return {
    ...judged,
    reason: `${judged.reason}; the one before was restored on purpose`,
    next: 'moby-patch apply',
  };
}

/** Errors of `findImage` that are a status. */
function explainAbsence(error: unknown): Status {
  if (!(error instanceof MobyPatchError)) throw error;
  const { code, message } = error;
  if (code === 'image-unsupported') return { status: 'unsupported', reason: message };
  if (code !== 'image-not-installed') throw error;
  return { status: 'missing', reason: message, next: 'install the application that brings it, or -i FILE' };
}
