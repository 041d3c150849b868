import { Agent } from 'node:http';
import {
  connect as connectSocket,
  type IpcNetConnectOpts,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { basename } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createUnreadableError, readRegular } from '../../io/file/regular-file.js';
import { createTail, startProcess, stopProcess } from '../../io/process/process.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { Readiness } from '../../model/patch/engine.js';
import type { Environment } from '../../model/session.js';
import type { Daemon, VersionOptions } from './daemon.js';
import { createClient, createDaemon } from './dockerode.js';
import { type Endpoint, findEndpoint, type TlsFiles } from './endpoint.js';
import { readPatience } from './patience.js';
import { createSwarm, type Swarm } from './swarm.js';

/** Finds the daemon; no connection is made yet. Errors: as of `findEndpoint` and `readPatience`, and `docker-tls`. */
export async function connectDocker(environment: Environment): Promise<Daemon> {
  const endpoint = await findEndpoint(environment);
  const patience = readPatience(environment);
  return createDaemon({ endpoint, agent: await createAgent(endpoint, environment), patience });
}

/** The same for services and containers of jobs. */
export async function connectSwarm(environment: Environment): Promise<Swarm> {
  const endpoint = await findEndpoint(environment);
  const client = await createClient({ agent: await createAgent(endpoint, environment) });
  return createSwarm(client, endpoint, readPatience(environment));
}

/** Whether there is a Linux daemon that answers within `seconds`. Error: `interrupted`; never one for what it finds. */
export async function probeDocker(
  environment: Environment,
  { seconds = 10, signal }: VersionOptions = {},
): Promise<Readiness> {
  try {
    const daemon = await connectDocker(environment);
    const { version, os, arch } = await daemon.version({ seconds, signal });
    const at = `${daemon.endpoint.host} (${daemon.endpoint.source})`;
    if (os === 'linux') return { ready: true, reason: `Docker ${version}, ${os}/${arch}, at ${at}` };
    return {
      ready: false,
      reason: `Docker at ${at} runs ${os} containers`,
      hint: 'switch to Linux containers',
    };
  } catch (error) {
    if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
    return { ready: false, reason: error.message, hint: createErrorReport(error).hint };
  }
}

type Dial = () => Duplex;

/**
 * An HTTP agent whose connections lead to the daemon over any transport. The client library's own transports read
 * process.env and check no ssh host key.
 */
async function createAgent(endpoint: Endpoint, environment: Environment): Promise<Agent> {
  const dial = await createDial(endpoint, environment);
  const agent = new Agent({ keepAlive: false });
  return Object.assign(agent, { createConnection: () => dial() });
}

/** Bytes of an answer that may wait for us: a daemon that sends a root goes on while we write. The types have no such option. */
const held = { readableHighWaterMark: 2 ** 20 };

async function createDial(endpoint: Endpoint, environment: Environment): Promise<Dial> {
  if (endpoint.host.startsWith('unix://')) {
    const path = endpoint.host.slice('unix://'.length);
    return () => connectSocket({ ...held, path } as IpcNetConnectOpts);
  }
  const url = new URL(endpoint.host.replace(/^(?:tcp|ssh):/, 'http:'));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (endpoint.host.startsWith('ssh://')) {
    const argv = ['ssh', '-T', ...(url.username ? ['-l', decodeURIComponent(url.username)] : [])];
    if (url.port) argv.push('-p', url.port);
    argv.push('-o', 'ConnectTimeout=30', '--', host, 'docker', 'system', 'dial-stdio');
    return () => dialProcess(argv, environment);
  }
  if (endpoint.tls === undefined) {
    const port = Number(url.port || 2375);
    return () => connectSocket({ ...held, port, host } as TcpNetConnectOpts);
  }
  const port = Number(url.port || 2376);
  const options = { ...(await readTlsFiles(endpoint.tls)), rejectUnauthorized: endpoint.tls.verify };
  return () => connectTls({ ...options, host, port, ...(/[a-z]/i.test(host) && { servername: host }) });
}

/** Bytes. */
const largestTlsFile = 2 ** 20;

async function readTlsFiles(tls: TlsFiles): Promise<Record<'ca' | 'cert' | 'key', Buffer | undefined>> {
  const read = async (path: string | undefined): Promise<Buffer | undefined> => {
    if (path === undefined) return undefined;
    return readRegular(path, largestTlsFile).catch((cause) => {
      const hint = 'set DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem';
      // The reason why an engine is not ready has no path beside it.
      const what = `the TLS file ${basename(path)}`;
      throw createUnreadableError(cause, { code: 'docker-tls', what, path, hint });
    });
  };
  return { ca: await read(tls.ca), cert: await read(tls.cert), key: await read(tls.key) };
}

/**
 * The system's ssh, as the docker command uses it: it brings its configuration, agent and host-key check. The
 * connection fails with what ssh said.
 */
function dialProcess(argv: readonly string[], environment: Environment): Duplex {
  const child = startProcess(argv, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...environment } });
  const said = createTail(4096);
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  const input = child.stdin;
  const output = child.stdout;
  const stream = new Duplex({
    read: () => void output?.resume(),
    // Whether ssh takes it no longer: its end says why.
    write: (chunk, _encoding, done) => void input?.write(chunk, () => done()),
    final: (done) => void input?.end(done),
    destroy: (error, done) => {
      void stopProcess(child);
      done(error);
    },
  });
  const fail = (cause?: Error) => {
    const reason = said.text().trim() || cause?.message || 'the connection was closed';
    stream.destroy(
      new MobyPatchError('infrastructure', 'docker-ssh', `${argv.join(' ')}: ${reason}`, { cause }),
    );
  };
  output?.on('data', (chunk) => {
    if (!stream.push(chunk)) output.pause();
  });
  input?.on('error', () => {});
  child.once('error', fail);
  child.once('close', (code) => {
    if (code === 0) stream.push(null);
    else if (!stream.destroyed) fail();
  });
  return Object.assign(stream, socketMethods);
}

/** Methods that node:http calls on a socket and that a pipe does not have. */
const socketMethods: Partial<Record<keyof Socket, (this: Duplex) => Duplex>> = {
  setKeepAlive() {
    return this;
  },
  setNoDelay() {
    return this;
  },
  setTimeout() {
    return this;
  },
  ref() {
    return this;
  },
  unref() {
    return this;
  },
};
