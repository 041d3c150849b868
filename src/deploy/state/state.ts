import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { replaceFile } from '../../io/output.js';
import type { Deployment, DeployState, TouchedFile } from '../../model/deployment.js';
import type { StateFolder } from './state-folder.js';

/** The state of an image that was never touched, of one that was, or one put together again; never an error. */
export async function loadState(
  folder: StateFolder,
  installed: string | undefined,
): Promise<DeployState & { readonly rebuilt: boolean }> {
  const { stateSchema } = await import('./state-schema.js');
  const known = await readJson(folder.state, stateSchema);
  if (known !== undefined) return { ...known, rebuilt: false };
  const deployments = await findDeployments(folder);
  // Without a record of what was wanted, what is there is: nothing gets patched that nobody asked for.
  const isStock = deployments.some(({ stock }) => stock.sha256 === installed);
  return {
    version: 1,
    image: folder.image,
    wanted: isStock ? 'stock' : 'patched',
    deployments,
    rebuilt: deployments.length > 0,
  };
}

export async function saveState(folder: StateFolder, state: DeployState): Promise<void> {
  const { version, image, wanted, deployments } = state;
  await mkdir(folder.path, { recursive: true });
  await replaceFile(folder.state, `${JSON.stringify({ version, image, wanted, deployments }, null, 2)}\n`);
}

/** With a deployment as the newest, in the place of an older one with the same bytes. */
export function addDeployment(state: DeployState, deployment: Deployment): DeployState {
  const others = state.deployments.filter(
    ({ stock, patched }) =>
      stock.sha256 !== deployment.stock.sha256 || patched.sha256 !== deployment.patched.sha256,
  );
  return { ...state, wanted: 'patched', deployments: [...others, deployment] };
}

export async function readDeployment(folder: StateFolder, build: string): Promise<Deployment | undefined> {
  const { deploymentSchema } = await import('./state-schema.js');
  return readJson(join(folder.builds, build, 'deployment.json'), deploymentSchema);
}

/** None when the file was lost: then nothing can be said of conflicts. */
export async function readTouched(
  folder: StateFolder,
  build: string,
): Promise<readonly TouchedFile[] | undefined> {
  const { touchedSchema } = await import('./state-schema.js');
  return readJson(join(folder.builds, build, 'touched.json'), touchedSchema);
}

/** Beside the backup that it was made from, so that the backups alone say what came of each. */
export async function keepRecord({ backups }: StateFolder, deployment: Deployment): Promise<void> {
  const path = join(backups, `${deployment.stock.sha256}.json`);
  await replaceFile(path, `${JSON.stringify(deployment, null, 2)}\n`);
}

/** Of every build, and of every backup; the oldest first, each pair of images once. */
async function findDeployments(folder: StateFolder): Promise<Deployment[]> {
  const { deploymentSchema } = await import('./state-schema.js');
  const builds = await readdir(folder.builds).catch(() => []);
  const records = (await readdir(folder.backups).catch(() => [])).filter((name) => name.endsWith('.json'));
  const found = await Promise.all([
    ...builds.map((name) => readDeployment(folder, name)),
    ...records.map((name) => readJson(join(folder.backups, name), deploymentSchema)),
  ]);
  const byImages = new Map<string, Deployment>();
  for (const each of found.filter((one) => one !== undefined).sort((a, b) => (a.time < b.time ? -1 : 1)))
    byImages.set(`${each.stock.sha256} ${each.patched.sha256}`, each);
  return [...byImages.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
