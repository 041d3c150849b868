import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { bridge, type ServedFolder, serveFolder } from '../fixtures/http-folder.js';
import { fetchPrograms } from '../fixtures/images/alpine-packages.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { type Ran, runMoby } from '../fixtures/images/moby.js';
import {
  findAlpineArchive,
  findAlpineRepository,
  findMissingProgram,
  noAlpine,
  noAlpineRepository,
} from '../fixtures/needs.js';
import { noNfsServer } from '../fixtures/nfs-server.js';
import { writeAlpineImage } from './alpine-image.js';

const noProgram =
  noAlpine ??
  noAlpineRepository ??
  noDocker ??
  noNfsServer ??
  findMissingProgram('qemu-system-x86_64', 'depmod', 'nsenter', 'ip', 'busybox');
const kernel = noProgram ?? (await findKernel());
const programs = typeof kernel === 'string' ? kernel : await fetchPrograms();

/** Why none of this can be done here. */
export const noAlpineBench = typeof programs === 'string' ? programs : undefined;

export interface AlpineBench {
  /** With the image of `writeAlpineImage` and its repository. */
  readonly folder: string;
  readonly daemon: TestDaemon;
  readonly served: ServedFolder;
}

export async function withAlpine(
  t: ExecutionContext,
  run: (bench: AlpineBench) => Promise<void>,
): Promise<void> {
  if (typeof programs === 'string' || typeof kernel === 'string') throw new Error(noAlpineBench);
  const folder = await createTestFolder(t);
  await using daemon = await startDockerd(bridge);
  await using served = await serveFolder(daemon, join(folder, 'repository'));
  await writeAlpineImage(folder, {
    archive: findAlpineArchive() ?? '',
    mirror: findAlpineRepository() ?? '',
    programs: programs.folder,
    kernel,
    address: served.address,
  });
  await run({ folder, daemon, served });
}

export interface BuildOptions {
  readonly engine: 'docker' | 'local';
  /** The folder of the cache. */
  readonly cache?: string;
}

/** Builds `ENGINE.img` of the stock image; the local engine runs where the repository can be reached. */
export async function buildAlpine(
  { folder, daemon, served }: AlpineBench,
  args: readonly string[],
  { engine, cache = 'none' }: BuildOptions,
): Promise<Ran> {
  const argv = ['build', '--json', '--engine', engine, '-i', 'stock.img', '-o', `${engine}.img`];
  const where =
    engine === 'docker'
      ? { environment: { ...daemon.environment, MOBY_PATCH_CACHE: cache } }
      : {
          environment: { DOCKER_HOST: 'unix:///nonexistent', MOBY_PATCH_CACHE: cache },
          enter: served.enter,
        };
  return runMoby([...argv, ...bootOptions(), ...args], { folder, ...where });
}

export function bootOptions(): string[] {
  if (typeof kernel === 'string') throw new Error(kernel);
  // A ceiling for a guest that hangs.
  const limit = ['--timeout', '900'];
  return ['--kernel', kernel.kernel, '--cmdline', 'noapic', '--network', 'host', '--memory', '512', ...limit];
}

export interface Built {
  readonly report: Report;
  readonly console: string;
}

/** The same, where it must succeed. */
export async function buildGoodAlpine(
  t: ExecutionContext,
  bench: AlpineBench,
  args: readonly string[],
  options: BuildOptions,
): Promise<Built> {
  const { code, stdout, stderr } = await buildAlpine(bench, args, options);
  t.is(code, 0, `${stderr}\n${stdout.slice(-4000)}`);
  const file = join(bench.folder, `${options.engine}.img.console.log`);
  return { report: JSON.parse(stdout), console: await readFile(file, 'utf8').catch(() => '') };
}

export const set = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-s', `${name}=${value}`]);
