import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { cli } from '../fixtures/images/moby.js';
import { findMissingProgram } from '../fixtures/needs.js';

export const noFleet = noDocker ?? findMissingProgram('docker-registry', 'docker', 'nsenter', 'tar', 'ldd');

const root = dirname(dirname(cli));
const port = 5000;
export const registry = `127.0.0.1:${port}`;
export const toolImage = 'moby-patch:test';
/** In the registry of a bench. */
export const place = `oci://${registry}/fleet`;

/** How a run of this program ended. */
interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
}

/** A daemon and a registry in one network namespace, where commands run. */
export interface FleetBench extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly environment: NodeJS.ProcessEnv;
  /** What the registry was asked, a line each. */
  readonly requests: string;
  docker(...argv: string[]): string;
  /** Words that start a program in the namespace. */
  inside(argv: readonly string[]): readonly string[];
  /** This program in the namespace. */
  start(...argv: readonly string[]): ReturnType<typeof startInside>;
  run(...argv: readonly string[]): Promise<Ended>;
  /** What it printed, whatever its exit code is. */
  ask(...argv: readonly string[]): Promise<string>;
}

export interface FleetBenchOptions {
  /** The project; registry and cache are there, too. */
  readonly folder: string;
  /** Lines of `htpasswd`; the registry then wants one of them. */
  readonly accounts?: string;
  /** As of `startDockerd`. */
  readonly network?: boolean;
}

export async function startFleetBench(
  t: ExecutionContext,
  { folder, accounts, network = false }: FleetBenchOptions,
): Promise<FleetBench> {
  const daemon = await startNode({ network });
  const inside = (argv: readonly string[]) => enter(daemon, argv);
  const requests = join(folder, 'registry.log');
  await startRegistry(t, { folder, requests, inside, accounts });
  const environment = { ...daemon.environment, XDG_CACHE_HOME: join(folder, 'cache') } as NodeJS.ProcessEnv;
  const start = (...argv: readonly string[]) =>
    startInside(inside([process.execPath, cli, ...argv]), { cwd: folder, env: environment });
  const run = (...argv: readonly string[]) => waitFor(start(...argv));
  return {
    daemon,
    environment,
    requests,
    docker: (...argv) => docker(daemon, ...argv),
    inside,
    start,
    run,
    ask: async (...argv) => (await run(...argv)).stdout,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

export function docker({ host }: TestDaemon, ...argv: string[]): string {
  return execFileSync('docker', ['-H', host, ...argv], { encoding: 'utf8', maxBuffer: 2 ** 26 });
}

/** Words that start a program in the network namespace of a daemon. */
export function enter(daemon: TestDaemon, argv: readonly string[]): string[] {
  return ['nsenter', '-t', pidOf(daemon), '--net', ...argv];
}

/** Runs a command without quotes in the network namespace of a daemon. */
export function runIn(daemon: TestDaemon, command: string): void {
  const [program = '', ...argv] = enter(daemon, command.split(' '));
  execFileSync(program, argv);
}

export function pidOf({ folder }: TestDaemon): string {
  return readFileSync(join(folder, 'pid'), 'utf8').trim();
}

/** A daemon with a loopback interface, and without what it leaves mounted. */
export async function startNode({ network = false } = {}): Promise<TestDaemon> {
  const daemon = await startDockerd([], { network });
  runIn(daemon, 'ip link set lo up');
  return {
    ...daemon,
    async [Symbol.asyncDispose]() {
      // Containers with the network of the host have it mounted below the folder of the daemon, and a killed daemon leaves all of its
      // mounts: the folder could not be removed.
      const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
      const own = mounts
        .flatMap((line) => line.split(' ')[1] ?? [])
        .filter((path) => path.startsWith(daemon.folder));
      spawnSync('umount', ['-l', join(daemon.folder, 'exec/netns/default'), ...own.reverse()]);
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** Puts the container image with this program into daemons. */
export async function loadTool(t: ExecutionContext, daemons: readonly TestDaemon[]): Promise<void> {
  const entry = `ENTRYPOINT ["/usr/bin/node","/opt/moby-patch/dist/cli.js"]`;
  const tar = await createToolImage(t);
  for (const daemon of daemons)
    docker(daemon, 'import', '--change', entry, '--change', 'ENV HOME=/root', tar, toolImage);
}

function startInside(
  [program = '', ...argv]: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
) {
  const child = spawn(program, argv, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  return child as typeof child & { readonly stdout: Readable };
}

export async function waitFor(child: ReturnType<typeof startInside>): Promise<Ended> {
  const ended = once(child, 'close');
  const stdout = Buffer.concat(await child.stdout.toArray()).toString();
  const [code] = (await ended) as [number | null];
  return { code, stdout };
}

interface RegistryOptions extends Pick<FleetBench, 'inside' | 'requests'> {
  readonly folder: string;
  readonly accounts: string | undefined;
}

async function startRegistry(
  t: ExecutionContext,
  { folder, requests, inside, accounts }: RegistryOptions,
): Promise<void> {
  const store = join(folder, 'registry');
  await mkdir(store);
  const path = join(folder, 'accounts');
  if (accounts !== undefined) await writeFile(path, accounts);
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: store } },
    http: { addr: `:${port}` },
    ...(accounts !== undefined && { auth: { htpasswd: { realm: 'test', path } } }),
  };
  await writeFile(join(folder, 'registry.yml'), JSON.stringify(config));
  const [program = '', ...serve] = inside(['docker-registry', 'serve', join(folder, 'registry.yml')]);
  const output = openSync(requests, 'a');
  const server = spawn(program, serve, { stdio: ['ignore', output, output] });
  closeSync(output);
  t.teardown(() => server.kill());
}

/** A container image of Node, with its libraries, and of this program. */
async function createToolImage(t: ExecutionContext): Promise<string> {
  const folder = join(await createTestFolder(t), 'image');
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const path of [...libraries, process.execPath]) {
    const to = join(folder, path === process.execPath ? 'usr/bin/node' : path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(path, to, { dereference: true });
  }
  for (const name of ['tmp', 'root']) mkdirSync(join(folder, name));
  const list = ['ls', '--omit=dev', '--all', '--parseable'];
  const modules = execFileSync('npm', list, { cwd: root, encoding: 'utf8' })
    .split('\n')
    .slice(1)
    .filter(Boolean);
  for (const path of ['dist', 'package.json', 'patches', 'images', 'schema'])
    cpSync(join(root, path), join(folder, 'opt/moby-patch', path), { recursive: true });
  for (const path of modules)
    cpSync(path, join(folder, 'opt/moby-patch', path.slice(root.length)), { recursive: true });
  const tar = `${folder}.tar`;
  execFileSync('tar', ['-C', folder, '-cf', tar, '.']);
  return tar;
}
