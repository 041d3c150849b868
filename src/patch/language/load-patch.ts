import { basename, join, resolve } from 'node:path';
import { MobyPatchError } from '../../model/error.js';
import type { Patch } from '../../model/patch.js';
import { createProblemError, type Problem } from '../../yaml/problems.js';
import { parsePatch } from './parse-patch.js';
import { openPayloadFolder, readInside } from './payload.js';

/** Bytes. */
const largestFile = 1024 * 1024;

export const patchFile = 'patch.yaml';

/**
 * Reads and checks the patch in a folder. Error (`invalid`): `patch-invalid` with all problems at once, each on a
 * line `FILE:LINE:COLUMN: what, found, wanted`.
 */
export async function loadPatch(folder: string): Promise<Patch> {
  const file = join(folder, patchFile);
  const { patch, problems, uses } = parsePatch(await readPatchFile(folder, file), {
    id: basename(resolve(folder)),
    folder,
    file,
  });
  const payload = openPayloadFolder(folder);
  const checks = uses.map(async ({ at, ...use }): Promise<Problem[]> => {
    const text = await payload.check(use);
    return text === undefined ? [] : [{ at, text }];
  });
  const all = [...problems, ...(await Promise.all(checks)).flat()];
  if (patch === undefined || all.length > 0) throw createProblemError(all);
  return patch;
}

async function readPatchFile(folder: string, file: string): Promise<string> {
  const fail = (message: string, hint?: string) =>
    new MobyPatchError('invalid', 'patch-invalid', `${file}: ${message}`, { path: file, hint });
  const read = await readInside(folder, patchFile, largestFile);
  if ('fault' in read) throw fail(read.fault, `ls -l ${folder}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read.bytes);
  } catch (error) {
    throw error instanceof TypeError ? fail('found bytes that are not UTF-8') : error;
  }
}
