import type Docker from 'dockerode';
import { MobyPatchError } from '../../model/error.js';
import { ask, type Daemon, statusOf, withSignal } from './daemon.js';
import { formatLabel, labelKey, type Owner } from './label.js';

/** An image has none of its own (FACTS of `docker import`), and no program finds another without it. */
export const defaultEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
};

/**
 * What apk and apt with their scripts cannot do without, found by leaving out each one; the same as the local
 * engine grants. Without FSETID they succeed and lose setgid bits in silence. Of the last two, which newer
 * versions manage without, MKNOD is for packages that hold device nodes and SYS_CHROOT for the apk of old
 * images, which calls chroot(2) before every script. SETFCAP is left out on purpose: a newc archive cannot
 * hold file capabilities, and without it the scripts that want them fall back to setuid.
 */
export const capabilities = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETGID',
  'SETUID',
  'MKNOD',
  'SYS_CHROOT',
];

export interface Container {
  readonly id: string;
  readonly handle: Docker.Container;
  /** Networks it was on when it began. */
  readonly networks: readonly string[];
}

/**
 * Makes the one container in which all steps run. Its first process is a shell that waits on a standard
 * input that stays open and empty: an image surely has that, and `sleep` or an init of Docker's would be a
 * file of its own. No mounts, no socket.
 */
export async function createContainer(
  daemon: Daemon,
  imageId: string,
  owner: Owner,
  signal: AbortSignal,
): Promise<Docker.Container> {
  const options: Docker.ContainerCreateOptions = {
    name: `moby-patch-${owner.run}`,
    Image: imageId,
    Entrypoint: [],
    Cmd: ['/bin/sh'],
    // Otherwise the container's id, and scripts that write it down would never write the same twice.
    Hostname: 'localhost',
    User: '0:0',
    WorkingDir: '/',
    Env: Object.entries(defaultEnvironment).map(([key, value]) => `${key}=${value}`),
    OpenStdin: true,
    Tty: false,
    Labels: { [labelKey]: formatLabel(owner) },
    HostConfig: {
      CapDrop: ['ALL'],
      CapAdd: capabilities,
      SecurityOpt: ['no-new-privileges:true'],
      PidsLimit: 4096,
      Privileged: false,
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  };
  signal.throwIfAborted();
  return ask(daemon, 'create a container', 120, (abortSignal) =>
    daemon.client.createContainer({ ...options, abortSignal }),
  );
}

/**
 * Starts it. It is on the network then, since a container that begins with `none` can never join one: leave it
 * before a step runs that asked for none.
 */
export async function startContainer(
  daemon: Daemon,
  handle: Docker.Container,
  signal: AbortSignal,
): Promise<Container> {
  await ask(daemon, 'start a container', 120, (abortSignal) => handle.start({ abortSignal }), signal).catch(
    explainStart,
  );
  return { id: handle.id, handle, networks: await listNetworks(daemon, handle, signal) };
}

/** Names of the networks it is on now. Error: its shell has ended. */
export async function listNetworks(
  daemon: Daemon,
  handle: Docker.Container,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { State, NetworkSettings } = await ask(
    daemon,
    'inspect a container',
    60,
    (abortSignal) => handle.inspect({ abortSignal }),
    signal,
  );
  if (!State.Running) throw createDeadError(State);
  return Object.keys(NetworkSettings.Networks ?? {}).filter((name) => name !== 'none');
}

/** Command lines of what runs beside the first process: daemons that a script has started. */
export async function listLeftProcesses(daemon: Daemon, container: Container): Promise<readonly string[]> {
  try {
    const { Titles, Processes } = await ask(daemon, 'list processes', 60, (abortSignal) =>
      container.handle.top(withSignal({}, abortSignal)),
    );
    const column = Titles.findIndex((title: string) => /^(?:CMD|COMMAND)$/.test(title));
    return Processes.slice(1).map((fields: readonly string[]) => fields[column] ?? '?');
  } catch (error) {
    // 409: the container is stopped. 500: the daemon's machine has no ps, and then nobody can tell.
    if (statusOf(error) === 409 || statusOf(error) === 500) return [];
    throw error;
  }
}

/** The error for a container whose first process is no more. */
export async function explainEnd(daemon: Daemon, handle: Docker.Container): Promise<MobyPatchError> {
  const { State } = await ask(daemon, 'inspect a container', 60, (abortSignal) =>
    handle.inspect({ abortSignal }),
  );
  return createDeadError(State);
}

function createDeadError(state: { ExitCode: number; OOMKilled?: boolean }): MobyPatchError {
  if (state.OOMKilled || state.ExitCode === 137) {
    return new MobyPatchError('failed', 'docker-container', 'the container was killed', {
      hint: 'give the Docker daemon more memory, unless a command was just stopped for its time limit',
    });
  }
  const message = `/bin/sh of the image does not stay: it ended with exit code ${state.ExitCode}`;
  return new MobyPatchError('failed', 'docker-shell', message, { path: 'bin/sh', hint: processorHint });
}

const processorHint =
  'is the image made for the processor of the daemon? docker info --format {{.Architecture}}';

function explainStart(error: unknown): never {
  const text = error instanceof Error ? error.message : '';
  if (!/\/bin\/sh|exec format error/i.test(text)) throw error;
  throw new MobyPatchError(
    'failed',
    'docker-shell',
    'the image has no working /bin/sh, so no command can run in it',
    {
      path: 'bin/sh',
      cause: error,
      hint: /format/i.test(text)
        ? processorHint
        : 'steps that need no commands (file, ...) run without a container',
    },
  );
}
