import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { examineFile, type InstalledFile } from '../deploy/installed-file.js';
import { loadState } from '../deploy/state/state.js';
import { findStateFolder, type StateFolder } from '../deploy/state/state-folder.js';
import { digestBytes } from '../io/digest.js';
import type { Deployment, DeployState } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import type { Plan } from '../model/plan.js';
import { createPlan } from '../patch/plan.js';
import { type BuildFlags, createBuildRequest } from '../setup/build-request.js';
import { loadConfiguration } from '../setup/configuration.js';
import { findNamedImage } from '../setup/named-image.js';
import { createReadingSession } from '../setup/reading-session.js';
import type { CommandContext } from './shared/context.js';
import type { TargetFlags } from './shared/deploy-options.js';

/** An image where it is installed, with everything known of it. */
export interface Target {
  readonly name: string;
  /** Absent for a missing image of a definition. */
  readonly found?: FoundImage | undefined;
  readonly folder: StateFolder;
  readonly state: DeployState & { readonly rebuilt: boolean };
  /** Undefined when there is no file. */
  readonly installed?: InstalledFile | undefined;
  /** Digest of the kernel that boots it. */
  readonly kernel?: string | undefined;
  /** Of an image under another name that this one is the successor of, while nothing is on record of this one. */
  readonly predecessor?: Predecessor | undefined;
}

export interface Predecessor {
  readonly folder: StateFolder;
  readonly wanted: DeployState['wanted'];
  readonly deployment: Deployment;
}

/** Errors: those of `findImage`, and `image-missing` when none was named. */
export async function findTarget(
  flags: TargetFlags & { readonly kernel?: string },
  context: CommandContext,
  log: (line: string) => void,
): Promise<Target> {
  const configuration = await loadConfiguration(context.folder, flags.config);
  const name = flags.image ?? configuration.values.image;
  if (name === undefined)
    throw new MobyPatchError('invalid', 'image-missing', 'no image was named', {
      hint: '-i IMAGE, or image: in moby-patch.yaml',
    });
  const session = createReadingSession({ ...context, log });
  const from = flags.image === undefined ? configuration.folder : context.folder;
  const options = { project: configuration.folder, from, installed: true };
  const found = await findNamedImage(name, session, options).catch((error) => {
    // A path that was patched once and is gone now still has a state.
    if (error instanceof MobyPatchError && error.code === 'image-unknown' && /[/\\]/.test(name))
      return undefined;
    throw error;
  });
  const image = found?.initrd ?? resolve(from, name);
  const folder = await findStateFolder(session.places.state, image);
  const installed = await examineFile(folder.image);
  const state = await loadState(folder, installed?.sha256);
  const named = flags.kernel ?? configuration.values.kernel;
  const kernel =
    named === undefined
      ? found?.kernel
      : resolve(flags.kernel === undefined ? configuration.folder : context.folder, named);
  const older = state.deployments.length > 0 ? [] : (found?.older ?? []);
  const predecessor = await findPredecessor(session.places.state, older);
  return { name, found, folder, installed, state, kernel: await digestIfThere(kernel), predecessor };
}

/** A new kernel of a distribution brings an initrd of its own name: the patches go from the one before to it. */
async function findPredecessor(root: string, images: readonly string[]): Promise<Predecessor | undefined> {
  for (const image of images) {
    const folder = await findStateFolder(root, image);
    const { wanted, deployments } = await loadState(folder, undefined);
    const deployment = deployments.at(-1);
    if (deployment !== undefined) return { folder, wanted, deployment };
  }
  return undefined;
}

async function digestIfThere(path: string | undefined): Promise<string | undefined> {
  if (path === undefined || !(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  return digestBytes(createReadStream(path));
}

/** The flags of a build, with the patches of the last time when neither they nor the configuration name any. */
export async function fillWish<Flags extends TargetFlags & Pick<BuildFlags, 'patch' | 'set'>>(
  flags: Flags,
  target: Target,
  context: CommandContext,
): Promise<Flags & { readonly hasWish: boolean }> {
  const { values } = await loadConfiguration(context.folder, flags.config);
  const named = flags.patch !== undefined || (values.patches?.length ?? 0) > 0;
  const last = target.state.deployments.at(-1) ?? target.predecessor?.deployment;
  if (named || last === undefined) return { ...flags, hasWish: named };
  const settings = Object.entries(last.settings).map(([key, value]) => `${key}=${value}`);
  return {
    ...flags,
    patch: last.patches.map(({ folder }) => folder),
    set: [...settings, ...(flags.set ?? [])],
    hasWish: true,
  };
}

export interface Wish {
  /** A hash of what is asked for, whatever the image: the same one means that nothing has to be built again. */
  readonly recipe: string;
  readonly plan: Plan;
}

export async function readWish(
  flags: Omit<BuildFlags, 'output' | 'verify'>,
  context: CommandContext,
): Promise<Wish> {
  const request = await createBuildRequest({ ...flags, verify: false }, createReadingSession(context));
  const plan = await createPlan(request.patches, request.settings, '', 0);
  const wish = [plan.patches.map(({ sha256 }) => sha256), request.codec ?? '', request.level ?? ''];
  // Absent where they are the usual ones: what was applied before there were others stays recognised.
  if (request.mode !== undefined && request.mode !== 'rewrite') wish.push(`mode ${request.mode}`);
  if (request.single) wish.push('single');
  return { recipe: createHash('sha256').update(JSON.stringify(wish)).digest('hex'), plan };
}
