import { stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertWritable } from '../../io/place/assert-writable.js';
import { createScratch, listAbandoned } from '../../io/place/scratch.js';
import { MobyPatchError } from '../../model/error/error.js';
import { assertOwnCache, locateBuildCache } from '../../setup/build-cache.js';
import { assertOwnConfiguration } from '../../setup/own-configuration.js';
import { type ExaminedSession, examine, type Finding } from './finding.js';

const mebibyte = 2 ** 20;
/** MiB for the copies of a usual image. */
const little = 1024;

/** Folders that are written, who can write them, and what killed runs left in them. */
export async function* examineFolders(session: ExaminedSession): AsyncGenerator<Finding> {
  const { places } = session;
  yield await examine({ name: 'temporary files', needed: true }, async () => {
    await using scratch = await createScratch();
    return describeSpace(tmpdir(), scratch.path);
  });
  yield await examine({ name: 'working folder' }, async () => {
    await assertUsable(places.folder, '-o FILE and --report FILE name other places');
    return describeSpace(places.folder, places.folder);
  });
  yield await examine({ name: 'build cache' }, async () => {
    const folder = locateBuildCache(session);
    if (folder === undefined) return 'off, by MOBY_PATCH_CACHE=none';
    await assertOwnCache(folder);
    await assertUsable(folder, 'MOBY_PATCH_CACHE=DIR names another, none switches it off');
    return folder;
  });
  yield await examine({ name: 'configuration' }, async () => {
    await assertOwnConfiguration(places);
    const isThere = await stat(places.config).catch(() => undefined);
    return isThere === undefined ? `none: there is no ${places.config}` : places.config;
  });
  const left = [
    ...(await listAbandoned(tmpdir(), 'scratch')),
    ...(await listAbandoned(join(places.cache, 'images'), 'scratch')),
    ...(await listAbandoned(places.folder, 'output')),
  ];
  const isClean = left.length === 0;
  const reason = isClean ? 'none' : `${left.length} folders of killed runs, the first is ${left[0]}`;
  yield {
    name: 'leftovers',
    ready: isClean,
    needed: false,
    reason,
    hint: isClean ? undefined : 'moby-patch prune',
  };
}

/** Error (`invalid`): `output-unwritable`. */
async function assertUsable(folder: string, hint: string): Promise<void> {
  await assertWritable(folder).catch((cause: NodeJS.ErrnoException) => {
    const message = `${folder} cannot be written to: ${cause.code}`;
    throw new MobyPatchError('invalid', 'output-unwritable', message, { hint, cause });
  });
}

/** Error (`infrastructure`): `disk-full`. */
async function describeSpace(folder: string, inside: string): Promise<string> {
  const { bavail, bsize } = await statfs(inside);
  const free = Math.floor((bavail * bsize) / mebibyte);
  if (free >= little) return `${folder}, ${free} MiB free`;
  const message = `${folder} has ${free} MiB free; a build takes about three times the unpacked image`;
  const hint = 'make room, or name another disk: TMPDIR=DIR, -o FILE';
  throw new MobyPatchError('infrastructure', 'disk-full', message, { hint });
}
