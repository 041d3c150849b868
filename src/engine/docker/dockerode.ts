import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { createInterruptedError } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import {
  createDaemonError,
  createTimeoutError,
  readAnswer,
  readImageId,
  splitFrames,
  statusOf,
} from './answers.js';
import { createContainerOptions, formatEnvironment } from './container-options.js';
import type { Daemon, DaemonMachine, DaemonVersion } from './daemon.js';
import type { Endpoint } from './endpoint.js';
import { type Ask, createAsk, startPulse, watchSending } from './patience.js';

/** `scripts/bundle.mjs` makes it of dockerode: the package would bring 66 others, three of them with install scripts. */
const library = new URL('../../vendor/dockerode.js', import.meta.url).href;

/** Limits of slow calls, as multiples of the daemon's patience. */
const times = { change: 2, transfer: 10, registration: 5 };

export interface Connection {
  readonly endpoint: Endpoint;
  readonly agent: Agent;
  /** Seconds that the daemon may be silent. */
  readonly patience: number;
}

/** The daemon behind an agent, through the client library; no other file knows that. */
export async function createDaemon(connection: Connection): Promise<Daemon> {
  const { endpoint, patience } = connection;
  const client = await createClient(connection);
  const ask = createAsk(endpoint, patience);
  return {
    endpoint,
    version: (options) =>
      ask({ what: 'answer', ...options }, (abortSignal) => readVersion(client, abortSignal)),
    readMachine: (signal) =>
      ask({ what: 'tell its memory', signal }, (abortSignal) => readMachine(client, abortSignal)),
    importImage: (tar, label, signal) => importImage(client, connection, { tar, label, signal }),
    ...imageCalls(client, ask, patience),
    ...containerCalls(client, ask, patience),
    ...fileCalls(client, ask, connection),
    ...commandCalls(client, ask, connection),
  };
}

/** The client library behind an agent. */
export async function createClient({ agent }: Pick<Connection, 'agent'>): Promise<Docker> {
  const { default: Client } = (await import(library)) as { default: typeof Docker };
  // Every key is given, since the library fills gaps from process.env.
  const options = {
    host: 'http://docker',
    port: 80,
    protocol: 'http' as const,
    agent,
    socketPath: undefined,
    pathPrefix: '/',
    timeout: undefined,
    username: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  return new Client(options as unknown as Docker.DockerOptions);
}

function imageCalls(client: Docker, ask: Ask, patience: number) {
  /** `noprune`: the parent is the image that the container runs on. */
  const remove = (id: string, force: boolean) =>
    ask({ what: 'remove an image', seconds: times.change * patience }, (abortSignal) =>
      client.getImage(id).remove({ force, noprune: true, abortSignal }),
    );
  return {
    async listImages(label) {
      const filters = JSON.stringify({ label: [label] });
      const images = await ask({ what: 'list images' }, (abortSignal) =>
        client.listImages({ all: true, filters, abortSignal }),
      );
      return images
        .sort((one, other) => other.Created - one.Created)
        .map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
    },
    async readLayers(imageId, signal) {
      const image = await ask({ what: 'inspect an image', signal }, (abortSignal) =>
        client.getImage(imageId).inspect(withSignal({}, abortSignal)),
      ).catch(ignore(404));
      return image && (image.RootFS.Layers ?? []);
    },
    async removeImage(id) {
      await remove(id, true).catch(ignore(404));
    },
    async removeUnusedImage(id) {
      const removed = remove(id, false).then(() => true);
      // 409: a container uses it; 404: another build was faster.
      return (await removed.catch(ignore(409, 404))) ?? false;
    },
  } satisfies Partial<Daemon>;
}

interface Import {
  readonly tar: Readable;
  readonly label: string;
  readonly signal: AbortSignal;
}

async function importImage(
  client: Docker,
  { endpoint, patience }: Connection,
  { tar, label, signal }: Import,
): Promise<string> {
  let failure: Error | undefined;
  tar.once('error', (error) => {
    failure = error;
  });
  const registration = times.registration * patience;
  using sending = watchSending(tar, { seconds: patience, registration, signal });
  const abortSignal = AbortSignal.any([sending.left, sending.stalled]);
  try {
    const answer = await client.importImage(
      sending.tar,
      withSignal({ changes: [`LABEL ${label}`] }, abortSignal),
    );
    return await readImageId(readAnswer(answer, abortSignal));
  } catch (cause) {
    if (failure !== undefined) throw failure;
    if (sending.stalled.aborted)
      throw createTimeoutError(endpoint, 'take or register an image', patience, cause);
    if (cause instanceof MobyPatchError) throw cause;
    throw createDaemonError(endpoint, 'import the image', cause);
  }
}

function containerCalls(client: Docker, ask: Ask, patience: number) {
  const seconds = times.change * patience;
  const get = (id: string) => client.getContainer(id);
  return {
    async listContainers(label) {
      const containers = await ask({ what: 'list containers' }, (abortSignal) =>
        client.listContainers({ all: true, filters: { label: [label] }, abortSignal }),
      );
      return containers.map(({ Id, Labels }) => ({ id: Id, labels: Labels }));
    },
    async createContainer(spec) {
      const options = createContainerOptions(spec);
      const created = await ask({ what: 'create a container', seconds }, (abortSignal) =>
        client.createContainer({ ...options, abortSignal }),
      ).catch(ignore(404));
      return created?.id;
    },
    async startContainer(id, signal) {
      await ask({ what: 'start a container', seconds, signal }, (abortSignal) =>
        get(id).start({ abortSignal }),
      );
    },
    async inspectContainer(id, signal) {
      const { State, NetworkSettings } = await ask({ what: 'inspect a container', signal }, (abortSignal) =>
        get(id).inspect({ abortSignal }),
      );
      return {
        running: State.Running,
        exitCode: State.ExitCode,
        outOfMemory: State.OOMKilled,
        networks: Object.keys(NetworkSettings.Networks ?? {}).filter((name) => name !== 'none'),
      };
    },
    async measureContainer(id, signal) {
      const answer: object = await ask({ what: 'measure a container', seconds, signal }, (abortSignal) =>
        get(id).inspect(withSignal<object>({ size: true }, abortSignal)),
      );
      const size = 'SizeRw' in answer ? answer.SizeRw : 0;
      return typeof size === 'number' ? size : 0;
    },
    async listProcesses(containerId) {
      const answer = await ask({ what: 'list processes' }, (abortSignal) =>
        get(containerId).top(withSignal({}, abortSignal)),
      )
        // 409: the container is stopped. 500: the daemon's machine has no ps, so the processes are unknown.
        .catch(ignore(409, 500));
      if (answer === undefined) return [];
      const { Titles, Processes } = answer as { Titles: readonly string[]; Processes: readonly string[][] };
      const column = Titles.findIndex((title) => /^(?:CMD|COMMAND)$/.test(title));
      return Processes.slice(1).map((fields) => fields[column] ?? '?');
    },
    async pauseContainer(id, signal) {
      await ask({ what: 'pause a container', signal }, (abortSignal) => get(id).pause({ abortSignal }));
    },
    async unpauseContainer(id) {
      await ask({ what: 'unpause a container' }, (abortSignal) => get(id).unpause({ abortSignal }));
    },
    async killContainer(id) {
      const killed = ask({ what: 'kill a container' }, (abortSignal) =>
        get(id).kill({ signal: 'SIGKILL', abortSignal }),
      );
      // 409: it is not running any more.
      await killed.catch(ignore(409, 404));
    },
    async removeContainer(id) {
      const removed = ask({ what: 'remove a container', seconds }, (abortSignal) =>
        get(id).remove({ force: true, v: true, abortSignal }),
      );
      await removed.catch(ignore(404));
    },
    async joinNetwork(name, containerId, signal) {
      await ask({ what: `connect a container to the network ${name}`, signal }, (abortSignal) =>
        client.getNetwork(name).connect(withSignal({ Container: containerId }, abortSignal)),
      );
    },
    async leaveNetwork(name, containerId, signal) {
      await ask({ what: `disconnect a container from the network ${name}`, signal }, (abortSignal) =>
        client.getNetwork(name).disconnect({ Container: containerId, Force: true, abortSignal }),
      );
    },
  } satisfies Partial<Daemon>;
}

function fileCalls(client: Docker, ask: Ask, { endpoint, patience }: Connection) {
  const seconds = times.transfer * patience;
  const stall = { seconds: patience, error: () => createTimeoutError(endpoint, 'send a byte', patience) };
  return {
    async exportContainer(id, signal) {
      const answer = await ask({ what: 'export a container', seconds, signal }, (abortSignal) =>
        getAnswer(client, { path: `/containers/${id}/export`, isStream: true, abortSignal }),
      );
      return readAnswer(answer as NodeJS.ReadableStream, signal, stall);
    },
    async putArchive(containerId, tar, signal) {
      using sending = watchSending(tar, { seconds: patience, registration: seconds, signal });
      const either = AbortSignal.any([signal, sending.stalled]);
      const put = client
        .getContainer(containerId)
        .putArchive(sending.tar, { path: '/', abortSignal: either });
      await put.catch((cause) => {
        if (signal.aborted) throw createInterruptedError(signal);
        if (sending.stalled.aborted) throw createTimeoutError(endpoint, 'take files', patience, cause);
        throw createDaemonError(endpoint, 'put files into a container', cause);
      });
    },
    async getArchive(containerId, path, signal) {
      const answer = await ask({ what: 'read files of a container', seconds, signal }, (abortSignal) =>
        client.getContainer(containerId).getArchive(withSignal({ path }, abortSignal)),
      ).catch(ignore(404));
      return answer && readAnswer(answer, signal, stall);
    },
  } satisfies Partial<Daemon>;
}

function commandCalls(client: Docker, ask: Ask, { endpoint, patience }: Connection) {
  return {
    async prepareCommand({ containerId, argv, environment, hasInput }, signal) {
      const options = {
        Cmd: [...argv],
        Env: formatEnvironment(environment),
        AttachStdin: hasInput,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        User: '0:0',
        WorkingDir: '/',
      };
      const prepared = await ask({ what: 'prepare a command', signal }, (abortSignal) =>
        client.getContainer(containerId).exec({ ...options, abortSignal }),
      ).catch(ignore(409));
      return prepared?.id;
    },
    async *runCommand({ id, name, input }, signal) {
      using pulse = startPulse(
        (ending) =>
          ask({ what: 'answer', signal: ending }, (abortSignal) => readVersion(client, abortSignal)),
        patience,
      );
      const either = AbortSignal.any([signal, pulse.lost]);
      try {
        const isOpen = input !== undefined;
        const options = { Detach: false, Tty: false, hijack: isOpen, stdin: isOpen, abortSignal: either };
        const answer = await client.getExec(id).start(options);
        if (isOpen) answer.end(input);
        for await (const frame of splitFrames(readAnswer(answer, either))) {
          pulse.heard();
          yield frame;
        }
      } catch (cause) {
        pulse.lost.throwIfAborted();
        if (signal.aborted || cause instanceof MobyPatchError) throw cause;
        throw createDaemonError(endpoint, `run ${name}`, cause);
      }
    },
    async readExitCode(commandId) {
      const { Running, ExitCode } = await ask({ what: 'inspect a command' }, (abortSignal) =>
        client.getExec(commandId).inspect({ abortSignal }),
      );
      return Running || typeof ExitCode !== 'number' ? undefined : ExitCode;
    },
  } satisfies Partial<Daemon>;
}

async function readVersion(client: Docker, abortSignal: AbortSignal): Promise<DaemonVersion> {
  const answer = await getAnswer(client, { path: '/version', isStream: false, abortSignal });
  const { Version, Os, Arch } = answer as Readonly<Record<string, unknown>>;
  return { version: `${Version}`, os: `${Os}`, arch: `${Arch}` };
}

async function readMachine(client: Docker, abortSignal: AbortSignal): Promise<DaemonMachine> {
  const answer = await getAnswer(client, { path: '/info', isStream: false, abortSignal });
  const { MemTotal, MemoryLimit, PidsLimit } = answer as Readonly<Record<string, unknown>>;
  return { memory: Number(MemTotal), isGrouped: MemoryLimit !== false && PidsLimit !== false };
}

interface Request {
  readonly path: string;
  readonly isStream: boolean;
  readonly abortSignal: AbortSignal;
}

/** For calls that the library has without a signal: the parsed answer, or its stream. */
function getAnswer(client: Docker, request: Request): Promise<unknown> {
  const statusCodes = { 200: true, 404: 'not found', 500: 'server error' };
  return new Promise((resolve, reject) => {
    client.modem.dial({ ...request, method: 'GET', statusCodes } as never, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

/** Gives a call its signal where the library takes one and its types have forgotten it. */
function withSignal<T extends object>(options: T, abortSignal: AbortSignal): T {
  return { ...options, abortSignal };
}

/** Turns an answer with one of these statuses into undefined. */
function ignore(...statuses: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error;
  };
}
