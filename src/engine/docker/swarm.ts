import type Docker from 'dockerode';
import { statusOf } from './answers.js';
import type { Endpoint } from './endpoint.js';
import { createAsk } from './patience.js';

/** A task of a service: one attempt at one of its jobs. */
export interface SwarmTask {
  readonly id: string;
  readonly slot: number;
  readonly node: string;
  /** As Docker names it: `running`, `complete`, `failed`. */
  readonly state: string;
  readonly message: string;
  /** Why it is not what it should be; empty: nothing is wrong. */
  readonly fault: string;
}

/** The services of a Swarm, in plain values. Errors: as of `Daemon`. */
export interface Swarm {
  readonly endpoint: Endpoint;
  /** Its id; undefined when one of this name is there. */
  createService(spec: Docker.CreateServiceOptions): Promise<string | undefined>;
  /** Names of services with this label. */
  listServices(label: string): Promise<readonly string[]>;
  listTasks(service: string): Promise<readonly SwarmTask[]>;
  /** Nodes that the Swarm has lost. */
  listLostNodes(): Promise<ReadonlySet<string>>;
  /** All that its tasks printed. */
  readLogs(service: string): Promise<string>;
  /** The last that one task printed. */
  readTaskLog(task: string): Promise<string>;
  /** What the containers of a service are told behind their entry point. */
  listArguments(service: string): Promise<readonly string[]>;
  /** No error when it is gone already. */
  removeService(name: string): Promise<void>;
  /** The id of a secret with this name, which is made where there is none. */
  putSecret(name: string, value: Uint8Array, label: string): Promise<string>;
  removeSecrets(label: string): Promise<void>;
  /** Removes the containers of the daemon with this label that have ended; how many there were. */
  removeEnded(label: string): Promise<number>;
  /** Runs one container to its end; its exit code and what it printed. */
  runContainer(spec: Docker.ContainerCreateOptions, signal: AbortSignal): Promise<RanContainer>;
}

export interface RanContainer {
  readonly exitCode: number;
  readonly output: string;
}

/** Bytes of a log that are read. */
const longestLog = 4 * 2 ** 20;

export function createSwarm(client: Docker, endpoint: Endpoint, patience: number): Swarm {
  const ask = createAsk(endpoint, patience);
  const gone = (error: unknown) => {
    if (statusOf(error) !== 404) throw error;
  };

  /** 404 and 409: another one removes it. */
  const leave = (error: unknown) => {
    if (statusOf(error) !== 409) gone(error);
  };

  return {
    endpoint,
    async createService(spec) {
      try {
        const made = await ask({ what: 'create a service' }, () => client.createService(spec));
        return (made as { readonly ID?: string; readonly id?: string }).ID ?? made.id;
      } catch (error) {
        if (statusOf(error) === 409) return undefined;
        throw error;
      }
    },
    async listServices(label) {
      const filters = JSON.stringify({ label: [label] });
      const services = await ask({ what: 'list services' }, () => client.listServices({ filters }));
      return services.map(({ Spec }) => Spec?.Name ?? '').filter((name) => name !== '');
    },
    async listTasks(service) {
      const filters = JSON.stringify({ service: [service] });
      const tasks: readonly RawTask[] = await ask({ what: 'list tasks' }, () =>
        client.listTasks({ filters }),
      );
      return tasks.map(({ ID = '', Slot = 0, NodeID = '', Status = {} }) => ({
        id: ID,
        slot: Slot,
        node: NodeID,
        state: Status.State ?? '',
        message: Status.Err ?? Status.Message ?? '',
        fault: Status.Err ?? '',
      }));
    },
    async listLostNodes() {
      const nodes: readonly RawNode[] = await ask({ what: 'list nodes' }, () => client.listNodes());
      return new Set(nodes.filter(({ Status }) => Status?.State === 'down').map(({ ID = '' }) => ID));
    },
    async readLogs(service) {
      const logs = await ask({ what: 'give the log of a service' }, () =>
        client.getService(service).logs({ stdout: true, stderr: true, follow: false }),
      );
      return readLog(logs);
    },
    async readTaskLog(task) {
      const options = { stdout: true, stderr: true, follow: false, tail: 5 };
      // Its types leave out what it has in common with a service.
      const handle = client.getTask(task) as unknown as Pick<Docker.Service, 'logs'>;
      const logs = await ask({ what: 'give the log of a task' }, () => handle.logs(options));
      return readLog(logs);
    },
    async listArguments(service) {
      const { Spec }: RawService = await ask({ what: 'describe a service' }, () =>
        client.getService(service).inspect(),
      );
      return Spec?.TaskTemplate?.ContainerSpec?.Args ?? [];
    },
    removeService: (name) =>
      ask({ what: 'remove a service' }, () => client.getService(name).remove()).then(() => {}, gone),
    async putSecret(name, value, label) {
      const filters = JSON.stringify({ name: [name] });
      const known = await ask({ what: 'list secrets' }, () => client.listSecrets({ filters }));
      const [same] = known.filter(({ Spec }) => Spec?.Name === name);
      if (same !== undefined) return same.ID;
      const [key = '', text = ''] = label.split('=');
      const options = { Name: name, Data: Buffer.from(value).toString('base64'), Labels: { [key]: text } };
      const made = await ask({ what: 'create a secret' }, () => client.createSecret(options));
      return (made as unknown as { readonly ID?: string }).ID ?? made.id;
    },
    async removeSecrets(label) {
      const filters = JSON.stringify({ label: [label] });
      const known = await ask({ what: 'list secrets' }, () => client.listSecrets({ filters }));
      for (const { ID } of known)
        await ask({ what: 'remove a secret' }, () => client.getSecret(ID).remove()).catch(gone);
    },
    async removeEnded(label) {
      const filters = JSON.stringify({ label: [label], status: ['exited', 'dead'] });
      const options = { all: true, filters };
      const ended = await ask({ what: 'list containers' }, () => client.listContainers(options));
      for (const { Id } of ended)
        await ask({ what: 'remove a container' }, () => client.getContainer(Id).remove({ v: true })).catch(
          leave,
        );
      return ended.length;
    },
    async runContainer(spec, signal) {
      const container = await ask({ what: 'create a container' }, () => client.createContainer(spec));
      try {
        await ask({ what: 'start a container' }, () => container.start());
        const ended = await container.wait({ abortSignal: signal });
        const logs = await ask({ what: 'give the log of a container' }, () =>
          container.logs({ stdout: true, stderr: true, follow: false }),
        );
        return { exitCode: ended.StatusCode, output: splitLog(logs) };
      } finally {
        await ask({ what: 'remove a container' }, () => container.remove({ force: true, v: true })).catch(
          gone,
        );
      }
    },
  };
}

interface RawNode {
  readonly ID?: string;
  readonly Status?: { readonly State?: string };
}

interface RawTask {
  readonly ID?: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly Status?: { readonly State?: string; readonly Err?: string; readonly Message?: string };
}

interface RawService {
  readonly Spec?: {
    readonly TaskTemplate?: { readonly ContainerSpec?: { readonly Args?: readonly string[] } };
  };
}

/** Docker gives a log as a whole or as a stream. */
async function readLog(logs: unknown): Promise<string> {
  return splitLog(Buffer.isBuffer(logs) ? logs : await readStream(logs as NodeJS.ReadableStream));
}

async function readStream(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece));
    size += piece.length;
    if (size > longestLog) break;
  }
  return Buffer.concat(pieces);
}

/** Frames of standard output and standard error: a header of eight bytes, whose last four are the length. */
function splitLog(bytes: Buffer): string {
  const texts: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    texts.push(bytes.subarray(at + 8, at + 8 + size).toString('utf8'));
    at += 8 + size;
  }
  return texts.join('');
}
