import { join } from 'node:path';
import { showPath } from '../../format/path.js';
import { createScratch } from '../../io/place/scratch.js';
import { readScript } from '../../io/process/script.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';
import type { CommandRoot, Executor, ExecutorOptions } from '../../model/patch/engine.js';
import type { RunOptions, RunResult } from '../../model/patch/workspace.js';
import type { Environment } from '../../model/session.js';
import { createLineSink } from '../fold-lines.js';
import { assertLeft } from '../left-size.js';
import { completeLimits } from '../limits.js';
import { usualTimeout } from '../rights.js';
import { type BodyFile, createBodyFile } from './body-file.js';
import { connectDocker } from './connect.js';
import { type Container, createContainer } from './container.js';
import type { Daemon } from './daemon.js';
import { readDelta } from './delta.js';
import { createImports, trimImports } from './imports.js';
import { createOwner, type Owner } from './label.js';
import { removeOwned } from './prune.js';
import { type RootListing, readOrigin } from './root-listing.js';
import { collectFiles, pushChanges } from './transfer.js';

/** Files that Docker mounts over the image's: what is written there is in no layer. */
const providedFiles = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'] as const;

export interface DockerOptions extends ExecutorOptions {
  /** Where DOCKER_HOST and its like are looked up. */
  readonly environment: Environment;
}

/** Commands in one container of the image's root. */
export function createDockerExecutor(image: Archive, options: DockerOptions): Required<Executor> {
  let daemon: Promise<Daemon> | undefined;
  const connect = () => {
    daemon ??= connectDocker(options.environment);
    return daemon;
  };
  return {
    async hasRoot() {
      return (await createImports({ ...options, daemon: await connect(), image }).find()) !== undefined;
    },
    start: async () => startRoot(image, { ...options, daemon: await connect() }),
  };
}

/**
 * Closing the root removes the container and every image made for it, also after an abort, except the import that
 * stays for the next build. What could not be removed is logged, and `prune` finds it.
 */
async function startRoot(
  image: Archive,
  options: ExecutorOptions & { readonly daemon: Daemon },
): Promise<CommandRoot> {
  const { daemon } = options;
  const owner = createOwner();
  const scratch = await createScratch();
  let removal: Promise<void> | undefined;
  const remove = () => {
    removal ??= removeAll(daemon, owner, options.log);
    return removal;
  };
  const close = async () => {
    try {
      await remove();
    } finally {
      await scratch[Symbol.asyncDispose]();
    }
  };
  try {
    const { container, origin } = await startContainer({ ...options, image, owner });
    const bodies = await createBodyFile(join(scratch.path, 'bodies'));
    const { log, showPart, createFilter } = options;
    return createRoot({ container, origin, bodies, log, showPart, createFilter, remove, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface StartOptions extends ExecutorOptions {
  readonly daemon: Daemon;
  readonly image: Archive;
  readonly owner: Owner;
}

interface StartedContainer {
  readonly container: Container;
  readonly origin: RootListing;
}

/** A container of the image's root: of an import that an earlier build left, or of a new one. */
async function startContainer(options: StartOptions): Promise<StartedContainer> {
  const { daemon, image, owner, log } = options;
  const imports = createImports(options);
  const earlier = await imports.find();
  if (earlier !== undefined) {
    log(`docker: ${image.name} was imported by an earlier build`);
    const started = await startFrom(earlier, options);
    // Another build may have removed the import as one too many.
    if (started !== undefined) return started;
  }
  log(`docker: importing ${image.name} into ${daemon.endpoint.host}`);
  const { id, stays } = await imports.create(owner);
  const started = await startFrom(id, options);
  if (started === undefined) {
    const message = `Docker at ${daemon.endpoint.host} lost the image ${id} that it had just imported`;
    throw new MobyPatchError('infrastructure', 'docker-failed', message);
  }
  if (stays) await trimImports(daemon);
  return started;
}

/** Undefined when there is no such image. */
async function startFrom(imageId: string, options: StartOptions): Promise<StartedContainer | undefined> {
  const { daemon, owner, signal, cache, log } = options;
  const layers = await daemon.readLayers(imageId, signal);
  if (layers === undefined) return undefined;
  const { memory, isGrouped } = await daemon.readMachine(signal);
  const limits = completeLimits(options.limits, memory);
  const created = await createContainer({ daemon, imageId, owner, limits, isGrouped, signal });
  if (created === undefined) return undefined;
  if (!isGrouped)
    log(
      'docker: the daemon has no control groups: each process gets the limits of a step, not all of them together',
    );
  const { version } = await daemon.version({ signal });
  const origin = await readOrigin(created.export, { layers, daemonVersion: version, cache });
  return { container: await created.start(), origin };
}

interface RootParts extends StartedContainer, Pick<ExecutorOptions, 'log' | 'showPart' | 'createFilter'> {
  readonly bodies: BodyFile;
  /** Removes what runs commands; a second call waits for the first. */
  remove(): Promise<void>;
  /** Removes everything. */
  close(): Promise<void>;
}

function createRoot(parts: RootParts): CommandRoot {
  const { container, origin, bodies, createFilter, remove, close } = parts;
  const warnings = new Set<string>();
  let broken: unknown;
  /** What the provided files hold, where that is known. */
  let provided: Promise<ReadonlyMap<string, string>> | undefined = readProvided(container);
  // The error surfaces at the first command.
  provided.catch(() => {});

  async function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    const { network = false, environment, timeout = usualTimeout, input } = options;
    if (await container.setNetwork(network)) provided = undefined;
    const before = await (provided ?? readProvided(container));
    const shown = { onLine: createLineSink(options, parts), createFilter };
    const result = await container.run(argv, { environment, timeout, input, ...shown });
    const after = readProvided(container);
    // Docker changes them with the network.
    provided = network ? undefined : after;
    for (const file of findWritten(before, await after))
      warnings.add(`a command wrote to ${file}, which Docker provides: lost; put it with a "file" step`);
    return result;
  }

  return {
    push: (changes) => pushChanges(container, changes),
    async run(argv, options) {
      // A command that ended in an error may have left the network connected or the container dead.
      if (broken !== undefined) throw broken;
      try {
        return await run(argv, options);
      } catch (error) {
        broken = error;
        throw error;
      }
    },
    async pull() {
      const [processes, left] = await Promise.all([container.listProcesses(), container.measure()]);
      for (const process of processes)
        warnings.add(`a command left a process running, which will not run in the image: ${process}`);
      // Much sooner than the tar, in which holes are zeros.
      assertLeft(left);
      const read = () => readDelta(container.export, origin, bodies);
      // A file that grows while it is read breaks the tar off.
      const { changes, attributed } = processes.length === 0 ? await read() : await container.pauseFor(read);
      for (const { path, names } of attributed) {
        const what = `${showPath(path)} has ${names.join(', ')}`;
        warnings.add(`${what}, for which a newc archive has no place: lost`);
      }
      return changes;
    },
    collect: (folder, onFile) => collectFiles(container, folder, onFile),
    stop: () => void remove(),
    warnings: () => [...warnings],
    async [Symbol.asyncDispose]() {
      await bodies[Symbol.asyncDispose]();
      await close();
    },
  };
}

/** File -> text. Joining a network changes the files too, so they are read close to a command. */
async function readProvided(container: Container): Promise<ReadonlyMap<string, string>> {
  const script = readScript(new URL('./print-provided.sh', import.meta.url));
  const argv = ['/bin/sh', '-c', script, 'sh', ...providedFiles];
  const { output } = await container.run(argv, { timeout: 60, onLine: () => {} });
  const texts = new Map<string, string>();
  let file = '';
  for (const line of output.split('\n')) {
    if (line.startsWith(' ')) texts.set(file, `${texts.get(file)}${line.slice(1)}\n`);
    else if (line !== '') {
      file = line;
      texts.set(file, '');
    }
  }
  return texts;
}

function findWritten(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after].filter(([file, text]) => before.get(file) !== text).map(([file]) => file);
}

/** By label and not by the ids we know: an answer may have been lost. Has limits of its own, not the caller's signal. */
async function removeAll(daemon: Daemon, owner: Owner, log: (line: string) => void): Promise<void> {
  try {
    const { failed } = await removeOwned(daemon, owner);
    for (const { kind, id, reason } of failed)
      log(`docker: the ${kind} ${id} is left: ${reason}; run moby-patch prune`);
  } catch (error) {
    log(`docker: nothing could be removed: ${createErrorReport(error).message}; run moby-patch prune`);
  }
}
