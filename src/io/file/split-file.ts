import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { LayoutFile } from '../../model/image/layout.js';
import { digestBytes } from '../digest.js';
import { assertWritable, createOutput, type Output, type OutputRequest } from '../place/output.js';
import { assertNotPlanted } from '../place/trust.js';
import { streamRegular } from './regular-file.js';

type Part = Pick<LayoutFile, 'name' | 'offset' | 'end'>;

/** The parts of a file with their digests. */
export function hashParts(path: string, parts: readonly Part[]): Promise<LayoutFile[]> {
  return Promise.all(
    parts.map(async (part) => ({ ...part, sha256: await digestBytes(readPart(path, part)) })),
  );
}

export interface SplitRequest extends Omit<OutputRequest, 'destination'> {
  readonly parts: readonly Part[];
  readonly folder: string;
}

/**
 * Writes each part of a file to a folder, under the last part of its name. The first takes its place when all are written.
 * Errors: `output-unwritable`, `folder-unsafe`.
 */
export async function splitFile(path: string, { parts, folder, ...request }: SplitRequest): Promise<void> {
  await assertNotPlanted(folder);
  await mkdir(folder, { recursive: true });
  const outputs: Output[] = [];
  try {
    for (const part of parts)
      outputs.push(
        await createOutput(readPart(path, part), { ...request, destination: nameIn(folder, part.name) }),
      );
    for (const output of outputs) await output.publish();
  } finally {
    for (const output of outputs) await output[Symbol.asyncDispose]();
  }
}

/** The file of a part in the folder. */
export function nameIn(folder: string, name: string): string {
  return join(folder, basename(name));
}

/** Whether `splitFile` could write to a folder, which need not exist. Errors: `output-unwritable`, `folder-unsafe`. */
export async function assertFolderWritable(folder: string): Promise<void> {
  await assertNotPlanted(folder);
  const found = await stat(folder).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    const message = 'a file has the name of the folder that the files go to';
    throw new MobyPatchError('invalid', 'output-unwritable', message, { path: folder });
  }
  // What it is split from stands beside it.
  await assertWritable(`${folder}.joined`);
  if (found !== undefined) await assertWritable(join(folder, 'new'));
}

function readPart(path: string, { offset, end }: Part): Bytes {
  return streamRegular(path, { start: offset, end });
}
