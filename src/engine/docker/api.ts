import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { MobyPatchError } from '../../model/error.js';
import {
  createDaemonError,
  createTimeoutError,
  readAnswer,
  readImageId,
  splitFrames,
  statusOf,
} from './answers.js';
import type { Daemon } from './daemon.js';
import type { Endpoint } from './endpoint.js';
import { type Api, type ApiRequest, createApi, type Question } from './request.js';

/** Seconds that the daemon may take to register an image whose last byte it has. */
const registrationLimit = 300;
/** Seconds for what moves the files of a container. */
const transferLimit = 600;
/** Seconds for what creates or removes. */
const changeLimit = 120;

/** The daemon behind an agent, over the HTTP API of any version; no other file knows that API. */
export function createDaemon(endpoint: Endpoint, agent: Agent): Daemon {
  const api = createApi(agent, endpoint);
  return {
    endpoint,
    async version(options) {
      const question = { what: 'answer', method: 'GET', path: '/version', ...options } as const;
      const { Version, Os, Arch } = await api.fetch<Record<'Version' | 'Os' | 'Arch', unknown>>(question);
      return { version: `${Version}`, os: `${Os}`, arch: `${Arch}` };
    },
    importImage: (tar, label) => importImage(api, endpoint, { tar, label }),
    ...imageCalls(api),
    ...containerCalls(api),
    ...fileCalls(api),
    ...commandCalls(api, endpoint),
  };
}

function imageCalls(api: Api) {
  /** `noprune`: the parent is the image that the container runs on. */
  const remove = (id: string, force: boolean) =>
    api.fetch({
      what: 'remove an image',
      seconds: changeLimit,
      method: 'DELETE',
      path: `/images/${id}`,
      query: { force, noprune: true },
    });
  return {
    async listImages(label) {
      const images = await api.fetch<{ Id: string; Created: number; Labels: Labels | null }[]>({
        what: 'list images',
        method: 'GET',
        path: '/images/json',
        query: { all: true, filters: filterLabel(label) },
      });
      return images
        .sort((one, other) => other.Created - one.Created)
        .map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
    },
    async readLayers(imageId, signal) {
      const question = {
        what: 'inspect an image',
        method: 'GET',
        path: `/images/${imageId}/json`,
        signal,
      } as const;
      const image = await api.fetch<{ RootFS: { Layers?: string[] } }>(question).catch(ignore(404));
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

async function importImage(api: Api, endpoint: Endpoint, { tar, label }: Import): Promise<string> {
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
    const answer = await api.stream({
      method: 'POST',
      path: '/images/create',
      query: { fromSrc: '-', changes: `LABEL ${label}` },
      body: { tar },
    });
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

function containerCalls(api: Api) {
  /** A request for one container; those that answer with nothing resolve to undefined. */
  const change = (method: ApiRequest['method'], path: string, question: Omit<Question, 'method' | 'path'>) =>
    api.fetch({ method, path: `/containers/${path}`, ...question });
  return {
    async listContainers(label) {
      const containers = await api.fetch<{ Id: string; Labels: Labels }[]>({
        what: 'list containers',
        method: 'GET',
        path: '/containers/json',
        query: { all: true, filters: filterLabel(label) },
      });
      return containers.map(({ Id, Labels }) => ({ id: Id, labels: Labels }));
    },
    async createContainer(spec) {
      const json = {
        Image: spec.imageId,
        Entrypoint: [],
        Cmd: spec.argv,
        Hostname: spec.hostname,
        User: '0:0',
        WorkingDir: '/',
        Env: formatEnvironment(spec.environment),
        OpenStdin: true,
        Tty: false,
        Labels: spec.labels,
        HostConfig: {
          CapDrop: ['ALL'],
          CapAdd: spec.capabilities,
          SecurityOpt: ['no-new-privileges:true'],
          PidsLimit: spec.mostProcesses,
          Privileged: false,
          LogConfig: { Type: 'none', Config: {} },
          RestartPolicy: { Name: 'no' },
        },
      };
      const question = { what: 'create a container', seconds: changeLimit, query: { name: spec.name } };
      const created = await change('POST', 'create', { ...question, body: { json } }).catch(ignore(404));
      return (created as { Id: string } | undefined)?.Id;
    },
    async startContainer(id, signal) {
      await change('POST', `${id}/start`, { what: 'start a container', seconds: changeLimit, signal });
    },
    async inspectContainer(id, signal) {
      const { State, NetworkSettings } = await api.fetch<InspectedContainer>({
        what: 'inspect a container',
        method: 'GET',
        path: `/containers/${id}/json`,
        signal,
      });
      return {
        running: State.Running,
        exitCode: State.ExitCode,
        outOfMemory: State.OOMKilled,
        networks: Object.keys(NetworkSettings.Networks ?? {}).filter((name) => name !== 'none'),
      };
    },
    async listProcesses(containerId) {
      const answer = await change('GET', `${containerId}/top`, { what: 'list processes' })
        // 409: the container is stopped. 500: the daemon's machine has no ps, so nothing can be listed.
        .catch(ignore(409, 500));
      if (answer === undefined) return [];
      const { Titles, Processes } = answer as { Titles: readonly string[]; Processes: readonly string[][] };
      const column = Titles.findIndex((title) => /^(?:CMD|COMMAND)$/.test(title));
      return Processes.slice(1).map((fields) => fields[column] ?? '?');
    },
    async pauseContainer(id, signal) {
      await change('POST', `${id}/pause`, { what: 'pause a container', signal });
    },
    async unpauseContainer(id) {
      await change('POST', `${id}/unpause`, { what: 'unpause a container' });
    },
    async killContainer(id) {
      const killed = change('POST', `${id}/kill`, { what: 'kill a container', query: { signal: 'SIGKILL' } });
      // 409: it is not running any more.
      await killed.catch(ignore(409, 404));
    },
    async removeContainer(id) {
      const query = { force: true, v: true };
      const removed = change('DELETE', id, { what: 'remove a container', seconds: changeLimit, query });
      await removed.catch(ignore(404));
    },
    async joinNetwork(name, containerId, signal) {
      await api.fetch({
        what: `connect a container to the network ${name}`,
        method: 'POST',
        path: `/networks/${encodeURIComponent(name)}/connect`,
        body: { json: { Container: containerId } },
        signal,
      });
    },
    async leaveNetwork(name, containerId, signal) {
      await api.fetch({
        what: `disconnect a container from the network ${name}`,
        method: 'POST',
        path: `/networks/${encodeURIComponent(name)}/disconnect`,
        body: { json: { Container: containerId, Force: true } },
        signal,
      });
    },
  } satisfies Partial<Daemon>;
}

function fileCalls(api: Api) {
  const seconds = transferLimit;
  return {
    async exportContainer(id, signal) {
      const path = `/containers/${id}/export`;
      const answer = await api.open({ what: 'export a container', seconds, signal, method: 'GET', path });
      return readAnswer(answer, signal);
    },
    async putArchive(containerId, tar, signal) {
      await api.fetch({
        what: 'put files into a container',
        seconds,
        signal,
        method: 'PUT',
        path: `/containers/${containerId}/archive`,
        query: { path: '/' },
        body: { tar },
      });
    },
    async getArchive(containerId, path, signal) {
      const opened = api.open({
        what: 'read files of a container',
        seconds,
        signal,
        method: 'GET',
        path: `/containers/${containerId}/archive`,
        query: { path },
      });
      const answer = await opened.catch(ignore(404));
      return answer && readAnswer(answer, signal);
    },
  } satisfies Partial<Daemon>;
}

function commandCalls(api: Api, endpoint: Endpoint) {
  return {
    async prepareCommand({ containerId, argv, environment }, signal) {
      const json = {
        Cmd: argv,
        Env: formatEnvironment(environment),
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        User: '0:0',
        WorkingDir: '/',
      };
      const prepared = api.fetch<{ Id: string }>({
        what: 'prepare a command',
        signal,
        method: 'POST',
        path: `/containers/${containerId}/exec`,
        body: { json },
      });
      return (await prepared.catch(ignore(409)))?.Id;
    },
    async *runCommand(id, name, signal) {
      const body = { json: { Detach: false, Tty: false } };
      try {
        const answer = await api.stream({ method: 'POST', path: `/exec/${id}/start`, body }, signal);
        yield* splitFrames(readAnswer(answer, signal));
      } catch (cause) {
        if (signal.aborted || cause instanceof MobyPatchError) throw cause;
        throw createDaemonError(endpoint, `run ${name}`, cause);
      }
    },
    async readExitCode(commandId) {
      const question = { what: 'inspect a command', method: 'GET', path: `/exec/${commandId}/json` } as const;
      const { Running, ExitCode } = await api.fetch<{ Running: boolean; ExitCode: unknown }>(question);
      return Running || typeof ExitCode !== 'number' ? undefined : ExitCode;
    },
  } satisfies Partial<Daemon>;
}

type Labels = Readonly<Record<string, string>>;

interface InspectedContainer {
  readonly State: { readonly Running: boolean; readonly ExitCode: number; readonly OOMKilled: boolean };
  readonly NetworkSettings: { readonly Networks?: Readonly<Record<string, unknown>> | null };
}

function filterLabel(label: string): string {
  return JSON.stringify({ label: [label] });
}

/** Turns an answer with one of these statuses into undefined. */
function ignore(...statuses: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error;
  };
}

function formatEnvironment(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}
