import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, Folder } from './row.js';
import { type Place, runShell } from './shell.js';

export interface OpenBench extends Omit<Bench, 'inputs'>, AsyncDisposable {
  readonly place: Place;
}

/** Why a program is not here, if the reason is known. */
const reasons: ReadonlyMap<string, string> = new Map([['3cpio', 'Debian 12 has no package of it']]);

/** Temporary folders, two patches that write one file each, and what is on this machine. */
export async function openBench(): Promise<OpenBench> {
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-bench-'));
  const shared = existsSync('/dev/shm') ? await mkdtemp('/dev/shm/moby-patch-bench-') : undefined;
  const place: Place = {
    folder,
    environment: { MOBY_PATCH_CACHE: join(folder, 'cache'), PATH: path.join(delimiter) },
  };
  for (const name of ['first', 'second']) {
    await mkdir(join(folder, name));
    const step = `  - file: {path: etc/${name}, content: "${name}\\n"}`;
    await writeFile(join(folder, name, 'patch.yaml'), `title: one file\nsteps:\n${step}\n`);
  }
  const folders = await Promise.all(
    [folder, shared].map((each) => (each === undefined ? undefined : describeFolder(each, place))),
  );
  return {
    place,
    moby: `node ${resolve('dist/cli.js')}`,
    programs: fileURLToPath(new URL('programs', import.meta.url)),
    memory: folders.find((each) => each?.type === 'tmpfs'),
    disk: folders.find((each) => each !== undefined && each.type !== 'tmpfs'),
    noDocker: process.env.NO_DOCKER,
    lacks(program) {
      const found = path.some((each) => existsSync(join(each, program)));
      return found ? undefined : (reasons.get(program) ?? `no ${program} here`);
    },
    async [Symbol.asyncDispose]() {
      for (const each of [folder, shared])
        if (each !== undefined) await rm(each, { recursive: true, force: true });
    },
  };
}

async function describeFolder(path: string, place: Place): Promise<Folder> {
  const type = (await runShell(`stat -f -c %T ${path}`, place)).trim();
  return { path, type: type === 'ext2/ext3' ? 'ext4' : type };
}
