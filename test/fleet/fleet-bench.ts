import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
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
export const registry = '127.0.0.1:5000';
export const toolImage = 'moby-patch:test';

/** A daemon and a registry in one network namespace, where commands run. */
export interface FleetBench extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly environment: NodeJS.ProcessEnv;
  docker(...argv: string[]): string;
  /** Words that start a program in the namespace. */
  inside(argv: readonly string[]): readonly string[];
  /** This program in the namespace. */
  start(...argv: readonly string[]): ReturnType<typeof startInside>;
  /** What it printed, whatever its exit code is. */
  ask(...argv: readonly string[]): Promise<string>;
}

/** `accounts`: lines of `htpasswd`; the registry then wants one of them. */
export async function startFleetBench(
  t: ExecutionContext,
  folder: string,
  accounts?: string,
): Promise<FleetBench> {
  const daemon = await startDockerd();
  const pid = readFileSync(join(daemon.folder, 'pid'), 'utf8').trim();
  const inside = (argv: readonly string[]) => ['nsenter', '-t', pid, '--net', ...argv];
  const docker = (...argv: string[]) =>
    execFileSync('docker', ['-H', daemon.host, ...argv], { encoding: 'utf8' });
  const [enter = '', ...up] = inside(['ip', 'link', 'set', 'lo', 'up']);
  execFileSync(enter, up);
  const entry = `ENTRYPOINT ["/usr/bin/node","/opt/moby-patch/dist/cli.js"]`;
  const tar = await createToolImage(t);
  docker('import', '--change', entry, '--change', 'ENV HOME=/root', tar, toolImage);
  await startRegistry(t, { folder, inside, accounts });
  const environment = { ...daemon.environment, XDG_CACHE_HOME: join(folder, 'cache') } as NodeJS.ProcessEnv;
  const start = (...argv: readonly string[]) =>
    startInside(inside([process.execPath, cli, ...argv]), { cwd: folder, env: environment });
  return {
    daemon,
    environment,
    docker,
    inside,
    start,
    ask: async (...argv) => Buffer.concat(await start(...argv).stdout.toArray()).toString(),
    async [Symbol.asyncDispose]() {
      // Containers with the network of the host have it mounted below the folder of the daemon, which could not be removed.
      spawnSync('umount', ['-l', join(daemon.folder, 'exec/netns/default')]);
      await daemon[Symbol.asyncDispose]();
    },
  };
}

function startInside(
  [enter = '', ...argv]: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
) {
  const child = spawn(enter, argv, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  return child as typeof child & { readonly stdout: Readable };
}

interface RegistryOptions extends Pick<FleetBench, 'inside'> {
  readonly folder: string;
  readonly accounts: string | undefined;
}

async function startRegistry(
  t: ExecutionContext,
  { folder, inside, accounts }: RegistryOptions,
): Promise<void> {
  const store = join(folder, 'registry');
  await mkdir(store);
  const path = join(folder, 'accounts');
  if (accounts !== undefined) await writeFile(path, accounts);
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: store } },
    http: { addr: registry },
    ...(accounts !== undefined && { auth: { htpasswd: { realm: 'test', path } } }),
  };
  await writeFile(join(folder, 'registry.yml'), JSON.stringify(config));
  const [enter = '', ...serve] = inside(['docker-registry', 'serve', join(folder, 'registry.yml')]);
  const server = spawn(enter, serve, { stdio: 'ignore' });
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
