import { join } from 'node:path';
import { showPath } from '../../format/path.js';
import type { Archive } from '../../model/archive.js';
import type { CommandRoot, ExecutorOptions } from '../../model/engine.js';
import { createErrorReport } from '../../model/error.js';
import { canRememberBase, findBase, nameBase, rememberBase, trimBases } from './base.js';
import { type BodyFile, createBodyFile } from './body-file.js';
import { type Container, createContainer, listLeftProcesses, startContainer } from './container.js';
import { type Daemon, statusOf } from './daemon.js';
import type { Environment } from './endpoint.js';
import { execCommand } from './exec.js';
import { importImage } from './import.js';
import { baseLabelKey, createOwner, formatLabel, labelKey, type Owner } from './label.js';
import { createNetworkSwitch } from './network.js';
import { readDiffIds } from './objects.js';
import { connectDocker } from './probe.js';
import { describeLostWrites, readProvidedFiles } from './provided-files.js';
import { removeRun } from './prune.js';
import { pullDelta, readOrigin } from './pull.js';
import { pushChanges } from './push.js';
import type { RootListing } from './root-listing.js';
import { takeFiles } from './take.js';

export interface DockerOptions extends ExecutorOptions {
  /** Where DOCKER_HOST and its like are looked up. */
  readonly environment: Environment;
  /** A folder for what comes back; the caller removes it after the executor is closed. */
  readonly scratch: string;
}

const defaultTimeout = 900;

/**
 * One container of the image's root. Closing it removes the container and every image made for it, also
 * after an abort, but the import that is kept for the next build. What could not be removed is logged, and
 * `prune` finds it.
 */
export async function openDockerRoot(image: Archive, options: DockerOptions): Promise<CommandRoot> {
  const daemon = await connectDocker(options.environment);
  const owner = createOwner();
  try {
    return await openRoot(daemon, owner, image, options);
  } catch (error) {
    await close(daemon, owner, options.log);
    throw error;
  }
}

async function openRoot(
  daemon: Daemon,
  owner: Owner,
  image: Archive,
  options: DockerOptions,
): Promise<CommandRoot> {
  const { signal, log, scratch } = options;
  const { container, origin } = await startFromBase(daemon, owner, image, options);
  const network = createNetworkSwitch(daemon, container, signal);
  const warnings = new Set<string>();
  let bodies: BodyFile | undefined;
  let broken: unknown;
  let closing: Promise<void> | undefined;
  const lookAtProvided = () => readProvidedFiles(daemon, container, signal);
  /** What is provided now, as long as the network stays as it is. */
  let provided: Promise<ReadonlyMap<string, string>> | undefined = lookAtProvided();
  provided.catch(() => {});
  const end = () => {
    closing ??= close(daemon, owner, log);
    return closing;
  };
  return {
    push: (changes) => pushChanges(daemon, container, changes, signal),
    async run(argv, { network: wanted = false, environment, timeout = defaultTimeout }) {
      // A command that ended in an error may have left the network connected or the container dead.
      if (broken !== undefined) throw broken;
      try {
        if (await network.turn(wanted)) provided = undefined;
        const before = await (provided ?? lookAtProvided());
        const result = await execCommand(daemon, container, argv, {
          environment,
          timeout,
          signal,
          onLine: log,
        });
        const after = lookAtProvided();
        provided = wanted ? undefined : after;
        for (const warning of describeLostWrites(before, await after)) warnings.add(warning);
        return result;
      } catch (error) {
        broken = error;
        throw error;
      }
    },
    async pull() {
      const left = await listLeftProcesses(daemon, container);
      for (const process of left) {
        warnings.add(`a command left a process running, which will not run in the image: ${process}`);
      }
      bodies ??= await createBodyFile(join(scratch, 'bodies'));
      const isIdle = left.length === 0;
      const { changes, attributed } = await pullDelta(daemon, container, origin, bodies, isIdle, signal);
      for (const { path, names } of attributed) {
        warnings.add(
          `${showPath(path)} has ${names.join(', ')}, for which a newc archive has no place: lost`,
        );
      }
      return changes;
    },
    collect: (folder, onFile) => takeFiles(daemon, container, folder, onFile, signal),
    warnings: () => [...warnings],
    stop: () => void end(),
    async [Symbol.asyncDispose]() {
      await bodies?.[Symbol.asyncDispose]();
      await end();
    },
  };
}

/**
 * A container of the image's root: of an import that an earlier build left, or of a new one. With a cache that
 * keeps something the import stays; otherwise it goes with the container.
 */
async function startFromBase(
  daemon: Daemon,
  owner: Owner,
  image: Archive,
  { signal, log, cache }: DockerOptions,
): Promise<{ container: Container; origin: RootListing }> {
  const start = async (id: string) => {
    const layers = await readDiffIds(daemon, id, signal);
    const handle = await createContainer(daemon, id, owner, signal);
    const origin = await readOrigin(daemon, handle.id, layers, cache, signal);
    return { container: await startContainer(daemon, handle, signal), origin };
  };
  const kept = await findBase(daemon, image, cache, signal);
  if (kept !== undefined) {
    log(`docker: ${image.name} was imported by an earlier build`);
    try {
      return await start(kept);
    } catch (error) {
      // Another build may have removed it as one too many.
      if (statusOf(error) !== 404) throw error;
    }
  }
  log(`docker: importing ${image.name} into ${daemon.endpoint.host}`);
  const stays = await canRememberBase(image, cache);
  const label = stays ? `${baseLabelKey}="${nameBase(image)}"` : `${labelKey}="${formatLabel(owner)}"`;
  const id = await importImage(daemon, image, label, signal);
  if (stays) await rememberBase(daemon, image, id, cache, signal);
  const started = await start(id);
  if (stays) await trimBases(daemon);
  return started;
}

/** By label, not by the ids we know: an answer may have been lost. Has limits of its own, not the caller's signal. */
async function close(daemon: Daemon, owner: Owner, log: (line: string) => void): Promise<void> {
  try {
    const { failed } = await removeRun(daemon, owner);
    for (const { kind, id, reason } of failed)
      log(`docker: the ${kind} ${id} is left: ${reason}; run moby-patch prune`);
  } catch (error) {
    log(`docker: nothing could be removed: ${createErrorReport(error).message}; run moby-patch prune`);
  }
}
