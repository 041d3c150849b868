import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { createInterruptedError } from '../../io/process.js';
import { MobyPatchError } from '../../model/error.js';
import {
  createDaemonError,
  createTimeoutError,
  readAnswer,
  readImageId,
  splitFrames,
  statusOf,
} from './answers.js';
import { createContainerOptions, formatEnvironment } from './container-options.js';
import type { Daemon, DaemonVersion } from './daemon.js';
import type { Endpoint } from './endpoint.js';

/** Seconds that the daemon may take to register an image whose last byte it has. */
const registrationLimit = 300;
/** Seconds for what moves the files of a container. */
const transferLimit = 600;
/** Seconds for what creates or removes. */
const changeLimit = 120;

interface Question {
  /** What the daemon shall do, for messages. */
  readonly what: string;
  /** For its answer to begin; default 60. */
  readonly seconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Waits for one answer. `start` gets a signal that is aborted by the time limit and by the caller's signal. */
type Ask = <T>(question: Question, start: (abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** The daemon behind an agent, through the client library; no other file knows that. */
export async function createDaemon(endpoint: Endpoint, agent: Agent): Promise<Daemon> {
  // The library takes 160 ms to load.
  const { default: Client } = await import('dockerode');
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
  const client = new Client(options as unknown as Docker.DockerOptions);
  const ask = createAsk(endpoint);
  return {
    endpoint,
    version: (options) =>
      ask({ what: 'answer', ...options }, (abortSignal) => readVersion(client, abortSignal)),
    readMemory: (signal) =>
      ask({ what: 'tell its memory', signal }, (abortSignal) => readMemory(client, abortSignal)),
    importImage: (tar, label) => importImage(client, endpoint, { tar, label }),
    ...imageCalls(client, ask),
    ...containerCalls(client, ask),
    ...fileCalls(client, ask),
    ...commandCalls(client, ask, endpoint),
  };
}

function createAsk(endpoint: Endpoint): Ask {
  return async ({ what, seconds = 60, signal }, start) => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), seconds * 1000);
    const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
    try {
      either.throwIfAborted();
      return await start(either);
    } catch (cause) {
      if (signal?.aborted) throw createInterruptedError(signal);
      if (cause instanceof MobyPatchError) throw cause;
      if (limit.signal.aborted) throw createTimeoutError(endpoint, what, seconds, cause);
      throw createDaemonError(endpoint, what, cause);
    } finally {
      // The answer may be a stream that goes on for longer.
      clearTimeout(timer);
    }
  };
}

function imageCalls(client: Docker, ask: Ask) {
  /** `noprune`: the parent is the image that the container runs on. */
  const remove = (id: string, force: boolean) =>
    ask({ what: 'remove an image', seconds: changeLimit }, (abortSignal) =>
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
}

async function importImage(client: Docker, endpoint: Endpoint, { tar, label }: Import): Promise<string> {
  let failure: Error | undefined;
  tar.once('error', (error) => {
    failure = error;
  });
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  tar.once('end', () => {
    timer = setTimeout(() => limit.abort(), registrationLimit * 1000);
  });
  try {
    const answer = await client.importImage(tar, { changes: [`LABEL ${label}`] });
    return await readImageId(readAnswer(answer, limit.signal));
  } catch (cause) {
    if (failure !== undefined) throw failure;
    if (limit.signal.aborted)
      throw createTimeoutError(endpoint, 'register an image', registrationLimit, cause);
    if (cause instanceof MobyPatchError) throw cause;
    throw createDaemonError(endpoint, 'import the image', cause);
  } finally {
    clearTimeout(timer);
  }
}

function containerCalls(client: Docker, ask: Ask) {
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
      const created = await ask({ what: 'create a container', seconds: changeLimit }, (abortSignal) =>
        client.createContainer({ ...options, abortSignal }),
      ).catch(ignore(404));
      return created?.id;
    },
    async startContainer(id, signal) {
      await ask({ what: 'start a container', seconds: changeLimit, signal }, (abortSignal) =>
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
      const removed = ask({ what: 'remove a container', seconds: changeLimit }, (abortSignal) =>
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

function fileCalls(client: Docker, ask: Ask) {
  const seconds = transferLimit;
  return {
    async exportContainer(id, signal) {
      const answer = await ask({ what: 'export a container', seconds, signal }, (abortSignal) =>
        getAnswer(client, { path: `/containers/${id}/export`, isStream: true, abortSignal }),
      );
      return readAnswer(answer as NodeJS.ReadableStream, signal);
    },
    async putArchive(containerId, tar, signal) {
      await ask({ what: 'put files into a container', seconds, signal }, (abortSignal) =>
        client.getContainer(containerId).putArchive(tar, { path: '/', abortSignal }),
      );
    },
    async getArchive(containerId, path, signal) {
      const answer = await ask({ what: 'read files of a container', seconds, signal }, (abortSignal) =>
        client.getContainer(containerId).getArchive(withSignal({ path }, abortSignal)),
      ).catch(ignore(404));
      return answer && readAnswer(answer, signal);
    },
  } satisfies Partial<Daemon>;
}

function commandCalls(client: Docker, ask: Ask, endpoint: Endpoint) {
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
      try {
        const isOpen = input !== undefined;
        const options = { Detach: false, Tty: false, hijack: isOpen, stdin: isOpen, abortSignal: signal };
        const answer = await client.getExec(id).start(options);
        if (isOpen) answer.end(input);
        yield* splitFrames(readAnswer(answer, signal));
      } catch (cause) {
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

async function readMemory(client: Docker, abortSignal: AbortSignal): Promise<number> {
  const answer = await getAnswer(client, { path: '/info', isStream: false, abortSignal });
  return Number((answer as Readonly<Record<string, unknown>>).MemTotal);
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
