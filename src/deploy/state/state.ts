import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createUnreadableError, isMissing, readRegular } from '../../io/file/regular-file.js';
import { folderOwnerOnly } from '../../io/place/access.js';
import { replaceFile } from '../../io/place/output.js';
import type { Deployment, DeployState, TouchedFile } from '../../model/deployment.js';
import { packageVersions } from '../../setup/package-versions.js';
import { listBackups } from './backup.js';
import type { StateFolder } from './state-folder.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const fileMark = z.object({ sha256, size: z.int().min(0) });

const secretSource = z.union([z.object({ file: z.string() }), z.object({ env: z.string() })]);

const deploymentSchema: z.ZodType<Deployment> = z.object({
  version: z.literal(1),
  stock: fileMark,
  patched: fileMark,
  plan: z.string(),
  recipe: z.string(),
  patches: z.array(z.object({ id: z.string(), folder: z.string(), sha256: z.string() })),
  settings: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.object({ shown: z.string(), source: secretSource.optional() })).optional(),
  packages: packageVersions,
  verdict: z.enum(['passed', 'not booted']),
  application: z.string().optional(),
  kernel: sha256.optional(),
  segments: z.array(sha256),
  stockRoot: sha256,
  build: z.string().regex(/^[0-9a-f]+$/),
  time: z.string(),
});

const stateSchema: z.ZodType<DeployState> = z.object({
  version: z.literal(1),
  image: z.string(),
  wanted: z.enum(['patched', 'stock']),
  deployments: z.array(deploymentSchema),
});

const touchedSchema: z.ZodType<TouchedFile[]> = z.array(
  z.object({ path: z.string(), before: z.string().optional(), after: z.string().optional() }),
);

/** A state; `rebuilt` when `state.json` was lost or damaged, and the records of builds and backups replace it. */
export interface LoadedState extends DeployState {
  readonly rebuilt: boolean;
}

/** `installed`: the digest of the installed image. A missing or damaged state is no error. */
export async function loadState(folder: StateFolder, installed: string | undefined): Promise<LoadedState> {
  const state = await readJson(folder.state, stateSchema);
  if (state !== undefined && state.deployments.length > 0)
    return { ...state, ...(await correct(state.deployments, folder)) };
  const deployments = await findDeployments(folder);
  if (state !== undefined) return { ...state, deployments, rebuilt: deployments.length > 0 };
  // No record says what the user wanted, so the installed image counts as wanted: a lost state patches nothing.
  const isStock = deployments.some(({ stock }) => stock.sha256 === installed);
  return {
    version: 1,
    image: folder.image,
    wanted: isStock ? 'stock' : 'patched',
    deployments,
    rebuilt: deployments.length > 0,
  };
}

/** A deployment whose stock image has no backup is as its build's own record has it: the state is not right about it. */
async function correct(
  deployments: readonly Deployment[],
  folder: StateFolder,
): Promise<Pick<LoadedState, 'deployments' | 'rebuilt'>> {
  const backups = new Set(await listBackups(folder.backups));
  const isBackedUp = ({ stock }: Deployment) => backups.has(stock.sha256);
  if (deployments.every(isBackedUp)) return { deployments, rebuilt: false };
  const records = (await findDeployments(folder)).filter(isBackedUp);
  const corrected = deployments.map((each) =>
    isBackedUp(each) ? each : (records.find(({ build }) => build === each.build) ?? each),
  );
  return { deployments: corrected, rebuilt: corrected.some((each) => !deployments.includes(each)) };
}

export async function saveState(folder: StateFolder, state: DeployState): Promise<void> {
  const { version, image, wanted, deployments } = state;
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  const text = `${JSON.stringify({ version, image, wanted, deployments }, null, 2)}\n`;
  await replaceFile(folder.state, text, [folderOwnerOnly]);
}

/**
 * Makes a deployment the newest of the state. Its record also goes beside the backup of its stock image, so that
 * the backups alone say what was made of each.
 */
export async function saveDeployment(
  deployment: Deployment,
  { folder, state }: { readonly folder: StateFolder; readonly state: DeployState },
): Promise<void> {
  const { stock, patched } = deployment;
  const record = join(folder.backups, `${stock.sha256}.json`);
  await replaceFile(record, `${JSON.stringify(deployment, null, 2)}\n`, [folderOwnerOnly]);
  const others = state.deployments.filter(
    (each) => each.stock.sha256 !== stock.sha256 || each.patched.sha256 !== patched.sha256,
  );
  await saveState(folder, { ...state, wanted: 'patched', deployments: [...others, deployment] });
}

/** `build`: the name of a folder below `builds`. Undefined when the build is incomplete or its record is damaged. */
export async function readDeployment(folder: StateFolder, build: string): Promise<Deployment | undefined> {
  return readJson(join(folder.builds, build, 'deployment.json'), deploymentSchema);
}

/** Undefined when the file was lost: nothing can be said of conflicts then. */
export async function readTouched(
  folder: StateFolder,
  build: string,
): Promise<readonly TouchedFile[] | undefined> {
  return readJson(join(folder.builds, build, 'touched.json'), touchedSchema);
}

/** Those of all builds and backups, oldest first; each pair of images once. */
async function findDeployments(folder: StateFolder): Promise<Deployment[]> {
  const builds = await readdir(folder.builds).catch(() => []);
  const records = (await readdir(folder.backups).catch(() => [])).filter((name) => name.endsWith('.json'));
  const deployments = await Promise.all([
    ...builds.map((name) => readDeployment(folder, name)),
    ...records.map((name) => readJson(join(folder.backups, name), deploymentSchema)),
  ]);
  const byImages = new Map<string, Deployment>();
  const sorted = deployments.filter((one) => one !== undefined).sort((a, b) => (a.time < b.time ? -1 : 1));
  for (const each of sorted) byImages.set(`${each.stock.sha256} ${each.patched.sha256}`, each);
  return [...byImages.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** Bytes: the touched files of an image of many entries. */
const largestRecord = 256 * 2 ** 20;

/** Undefined when the file does not exist, or is not what the schema says. Error: `state-unreadable`. */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await readRegular(path, largestRecord, { own: true }).catch((cause) => {
    if (isMissing(cause)) return undefined;
    const hint = 'moby-patch puts a lost record together again: move this one away';
    throw createUnreadableError(cause, { code: 'state-unreadable', what: 'the record', path, hint });
  });
  const text = bytes?.toString('utf8');
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
