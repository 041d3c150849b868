import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { digestBytes } from '../io/digest.js';
import { type ExaminedFile, examineFile } from '../io/file/examine-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { removeAbandoned } from '../io/place/scratch.js';
import type { Deployment, DeployState, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ReadingSession } from '../model/session.js';
import { loadConfiguration } from '../setup/configuration.js';
import { findNamedImage } from '../setup/named-image.js';
import { completeHint, type Lacks, type NamedFlags } from './next-command.js';
import { lockFolder } from './state/lock.js';
import { type LoadedState, loadState } from './state/state.js';
import { assertOwnState, findStateFolder, type StateFolder } from './state/state-folder.js';

/** Names an installed image; the configuration names what is left out. */
export interface TargetOptions {
  /** A file, or the id of an image definition. */
  readonly image?: string;
  /** The configuration file; default: `moby-patch.yaml` of the working folder, if it exists. */
  readonly config?: string;
  /** The kernel that boots the image; default: what its definition names. */
  readonly kernel?: string;
}

/** An image where it is installed, with its state. */
export interface Target {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  /** Undefined when the image is a path that no longer exists. */
  readonly image?: FoundImage | undefined;
  readonly folder: StateFolder;
  readonly state: LoadedState;
  /** Undefined when the file does not exist. */
  readonly installed?: ExaminedFile | undefined;
  /** Hex digest of the kernel that boots the image. */
  readonly kernel?: string | undefined;
  /** Whether the configuration or an earlier deployment names patches. */
  readonly hasPatches: boolean;
  /** Set only while this image has no deployments of its own. */
  readonly predecessor?: Predecessor | undefined;
}

/** The image of an older version under another name, which this one replaces. */
export interface Predecessor {
  readonly folder: StateFolder;
  readonly wanted: DeployState['wanted'];
  /** The last one. */
  readonly deployment: Deployment;
}

/** Errors: `image-missing` (`invalid`) when no image is named, and those of `findImage`. */
export async function findTarget(options: TargetOptions, session: ReadingSession): Promise<Target> {
  const { places } = session;
  const configuration = await loadConfiguration(places.folder, options.config);
  const { folder: project, values } = configuration;
  const name = options.image ?? assertOneFile(values.image);
  if (name === undefined)
    throw new MobyPatchError('invalid', 'image-missing', 'no image was named', {
      hint: '-i IMAGE, or image: in moby-patch.yaml',
    });
  const from = options.image === undefined ? project : places.folder;
  const image = await findNamedImage(name, session, { project, from, installed: true }).catch((error) => {
    // An image that was patched by its path has a state, even when the file is gone.
    if (error instanceof MobyPatchError && error.code === 'image-unknown' && /[/\\]/.test(name))
      return undefined;
    throw error;
  });
  await assertOwnState(places.state);
  const folder = await findStateFolder(places.state, image?.initrd ?? resolve(from, name));
  const installed = await examineFile(folder.image);
  const state = await loadState(folder, installed?.sha256);
  const kernel = locateKernel(options.kernel, places.folder) ?? locateKernel(values.kernel, project);
  const older = state.deployments.length > 0 ? [] : (image?.older ?? []);
  const predecessor = await findPredecessor(places.state, older);
  const hasPatches =
    (values.patches?.length ?? 0) > 0 || state.deployments.length > 0 || predecessor !== undefined;
  return {
    name,
    image,
    folder,
    installed,
    state,
    kernel: await digestFile(kernel ?? image?.kernel),
    hasPatches,
    predecessor,
  };
}

/** What a command for the image must be given besides what the user named. */
export function listLacks(
  { hasPatches, kernel, image }: Target,
  request: Pick<NamedFlags, 'patches' | 'kernel'>,
): Lacks {
  return {
    lacksPatches: request.patches === undefined && !hasPatches,
    lacksKernel:
      request.kernel === undefined && kernel === undefined && image?.wrapped?.boot.kernel === undefined,
  };
}

/** Error (`invalid`): `image-several`. */
function assertOneFile(image: string | readonly string[] | undefined): string | undefined {
  if (image === undefined || typeof image === 'string') return image;
  const [first, ...more] = image;
  if (more.length === 0) return first;
  throw new MobyPatchError(
    'invalid',
    'image-several',
    `found ${image.length} files, wanted one: an installed image is one file`,
    { hint: '-i IMAGE; moby-patch build --split DIRECTORY builds several' },
  );
}

interface LockOptions {
  /** The command, for the message of another process that finds the lock. */
  readonly command: string;
  readonly target: TargetOptions & NamedFlags;
  readonly session: ReadingSession;
}

/** Locks the image; `work` gets the target as it is under the lock. Error (`failed`): `locked`. */
export async function withLockedTarget<T>(
  { command, target, session }: LockOptions,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const found = await findTarget(target, session);
  const { folder } = found;
  try {
    await using _lock = await lockFolder(folder.path, command);
    // Drafts of processes that were killed. On a volume that is read-only, the write itself gives the better error.
    await removeAbandoned(dirname(folder.image), 'output').catch(() => {});
    return await work(await findTarget(target, { ...session, log: () => {} }));
  } catch (error) {
    throw completeHint(explainStateError(error, folder.path), {
      request: target,
      ...listLacks(found, target),
    });
  }
}

/** There is no image, or one that is neither ours nor the stock one. */
export function createStatusError({ status, reason, next }: Status, { folder }: Target): MobyPatchError {
  const code = status === 'missing' ? 'image-missing' : 'image-foreign';
  return new MobyPatchError('failed', code, reason, { path: folder.image, hint: next });
}

/** With a new kernel of a distribution comes an initrd of another name: it gets the patches of the previous one. */
async function findPredecessor(root: string, images: readonly string[]): Promise<Predecessor | undefined> {
  for (const image of images) {
    const folder = await findStateFolder(root, image);
    const { wanted, deployments } = await loadState(folder, undefined);
    const deployment = deployments.at(-1);
    if (deployment !== undefined) return { folder, wanted, deployment };
  }
  return undefined;
}

function locateKernel(path: string | undefined, from: string): string | undefined {
  return path === undefined ? undefined : resolve(from, path);
}

async function digestFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined || !(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  return digestBytes(streamRegular(path));
}

/** Errors about all other files are in words already, so an error of the system is about the state folder. */
function explainStateError(error: unknown, folder: string): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof MobyPatchError || syscall === undefined) return error;
  return new MobyPatchError(
    'infrastructure',
    'state-unwritable',
    `cannot keep the state: ${code} at ${syscall} ${path ?? ''}; the installed image is as it was`,
    {
      path: folder,
      hint: 'make room or change its rights; XDG_STATE_HOME names another place',
      cause: error,
    },
  );
}
