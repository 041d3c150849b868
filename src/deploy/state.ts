import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { replaceFile } from '../io/output.js';
import type { Deployment, DeployState, TouchedFile } from '../model/deployment.js';
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

async function findDeployments(folder: StateFolder): Promise<Deployment[]> {
  const names = await readdir(folder.builds).catch(() => []);
  const found = await Promise.all(names.map((name) => readDeployment(folder, name)));
  return found.filter((each) => each !== undefined).sort((a, b) => (a.time < b.time ? -1 : 1));
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
