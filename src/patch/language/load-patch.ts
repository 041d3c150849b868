import { basename, join, resolve } from 'node:path';
import type { Patch } from '../../model/patch/patch.js';
import { createProblemError, type Problem } from '../../yaml/problems.js';
import { parsePatch } from './parse-patch.js';
import type { PlacedUse } from './parse-step.js';
import { openPayloadFolder, readInside } from './payload.js';

/** Bytes. */
const largestFile = 1024 * 1024;

export const patchFile = 'patch.yaml';

export interface ReadPatch {
  /** Absent when there are problems. */
  readonly patch?: Patch | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks the patch in a folder. Error (`invalid`): `patch-invalid` with all problems at once, each on a
 * line `FILE:LINE:COLUMN: what, found, wanted`.
 */
export async function loadPatch(folder: string): Promise<Patch> {
  const { patch, problems } = await readPatch(folder);
  if (patch === undefined || problems.length > 0) throw createProblemError(problems);
  return patch;
}

export async function readPatch(folder: string): Promise<ReadPatch> {
  const file = join(folder, patchFile);
  const text = await readPatchFile(folder, file);
  if (typeof text !== 'string') return { problems: [text] };
  const { patch, problems, uses } = parsePatch(text, { id: basename(resolve(folder)), folder, file });
  const all = [...problems, ...(await checkPayload(folder, uses))];
  return all.length > 0 ? { problems: all } : { patch, problems: [] };
}

/** What is wrong with the files that steps use, at the places that name them. */
export async function checkPayload(folder: string, uses: readonly PlacedUse[]): Promise<Problem[]> {
  const payload = openPayloadFolder(folder);
  const checks = uses.map(async ({ at, ...use }): Promise<Problem[]> => {
    const problem = await payload.check(use);
    return problem === undefined ? [] : [{ at, ...problem }];
  });
  return (await Promise.all(checks)).flat();
}

async function readPatchFile(folder: string, file: string): Promise<string | Problem> {
  const fail = (text: string, hint?: string): Problem => ({
    at: { file, line: 1, column: 1 },
    code: 'file-unreadable',
    text,
    hint,
  });
  const read = await readInside(folder, patchFile, largestFile);
  if ('fault' in read) return fail(read.fault, `ls -l ${folder}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read.bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return fail('found bytes that are not UTF-8, wanted a text');
  }
}
