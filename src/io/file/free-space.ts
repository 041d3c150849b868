import { stat, statfs } from 'node:fs/promises';
import { MobyPatchError } from '../../model/error/error.js';

/** Disk space that an operation needs. */
export interface SpaceNeed {
  /** An existing folder. */
  readonly folder: string;
  readonly bytes: number;
  /** What it is: `the new image`. */
  readonly what: string;
}

const mebibyte = 2 ** 20;

/**
 * Refuses what does not fit: needs on one disk are added up. The answer is one sentence. Error (`infrastructure`):
 * `disk-full`. A folder that does not exist is left out.
 */
export async function assertSpace(needs: readonly SpaceNeed[]): Promise<string> {
  const disks = new Map<number, SpaceNeed[]>();
  for (const need of needs.filter(({ bytes }) => bytes > 0)) {
    const found = await stat(need.folder).catch(() => undefined);
    if (found !== undefined) disks.set(found.dev, [...(disks.get(found.dev) ?? []), need]);
  }
  const sentences: string[] = [];
  for (const own of disks.values()) sentences.push(await assertOnDisk(own));
  return sentences.join('; ') || 'nothing is written';
}

async function assertOnDisk(needs: readonly SpaceNeed[]): Promise<string> {
  const [{ folder } = { folder: '.' }] = needs;
  const wanted = needs.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const parts = needs.map(({ what, bytes }) => `${what} (about ${inMebibytes(bytes)} MiB)`).join(' and ');
  if (free >= wanted) return `${inMebibytes(free)} MiB are free in ${folder} for ${parts}`;
  const message = `${folder} has ${inMebibytes(free)} MiB free, wanted ${inMebibytes(wanted)} MiB for ${parts}`;
  throw new MobyPatchError('infrastructure', 'disk-full', message, {
    path: folder,
    hint: 'free some space; -o and TMPDIR name folders on other disks',
  });
}

const inMebibytes = (bytes: number) => Math.ceil(bytes / mebibyte);
