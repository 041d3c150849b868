import { runFilter } from '../../../compress/run-filter.js';
import type { InputFile } from '../../../io/file/input-file.js';
import { streamRegular } from '../../../io/file/regular-file.js';
import { saveBytes } from '../../../io/file/save-bytes.js';
import { noBytes } from '../../../io/no-bytes.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Bytes } from '../../../model/image/entry.js';
import type { ScanLimits } from '../../../model/limits.js';
import { readEntries, type TarRecord } from '../../../tar/tar-reader.js';
import { createDamageError, createRootBudget, type RootEntry, type RootTree } from '../root-tree.js';
import { mostOptions, parseSuperblock, type Superblock, superblockSize } from './superblock.js';

export interface ReadOptions {
  /** A private folder, which keeps the bodies. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly limits?: Partial<ScanLimits> | undefined;
}

export async function readSuperblock(file: InputFile): Promise<Superblock | undefined> {
  return parseSuperblock(Buffer.from(await file.read(0, superblockSize + mostOptions)));
}

/**
 * Reads the tree of a squashfs by `sqfs2tar`, which writes a tar to its standard output and creates no file. A tar has no place
 * for sockets. Errors: `wrapper-invalid`, `image-too-large`, `program-missing`.
 */
export async function readSquashfs(
  file: InputFile,
  { folder, signal, limits }: ReadOptions,
): Promise<RootTree> {
  const budget = createRootBudget(file, limits);
  const tar = `${folder}/root.tar`;
  const warnings: string[] = [];
  const filter = {
    argv: ['sqfs2tar', '--root-becomes', '.', file.path] as const,
    package: 'squashfs-tools-ng',
    signal,
    failure: (said: string) =>
      new MobyPatchError('invalid', 'wrapper-invalid', `the squashfs cannot be read: ${said}`, {
        path: file.name,
        hint: 'get a whole copy',
      }),
    onMessages: (text: string) => warnings.push(...listSkipped(text)),
  };
  const counted = async function* () {
    for await (const piece of runFilter(filter, noBytes())) {
      budget.addBytes(piece.length);
      yield piece;
    }
  };
  await saveBytes(tar, counted(), signal);
  const entries = await listTar(tar, budget).catch((error: unknown) => {
    // A damaged file system can make sqfs2tar write what is no tar.
    if (!(error instanceof MobyPatchError) || !error.code.startsWith('tar-')) throw error;
    throw createDamageError(file, `sqfs2tar wrote a tar that cannot be read (${error.message})`);
  });
  return { entries, warnings };
}

function listSkipped(text: string): string[] {
  return [...text.matchAll(/^WARNING: (?:\.\/)?(.*): cannot pack socket$/gm)].map(
    ([, path]) => `/${path} is a socket, and is left out: a squashfs is read as a tar, which has no sockets`,
  );
}

async function listTar(tar: string, budget: ReturnType<typeof createRootBudget>): Promise<RootEntry[]> {
  const entries: RootEntry[] = [];
  const groups = new Map<string, number[]>();
  const places = new Map<string, number>();
  for await (const { record } of readEntries(streamRegular(tar))) {
    budget.add(record.path, 0);
    const first = record.type === 'link' ? places.get(record.target ?? '') : undefined;
    const known = first === undefined ? undefined : entries[first];
    if (known !== undefined && first !== undefined) {
      const names = groups.get(known.path) ?? [first];
      names.push(entries.length);
      groups.set(known.path, names);
      entries.push({ ...known, path: record.path });
    } else {
      places.set(record.path, entries.length);
      entries.push(createEntry(record, tar));
    }
  }
  for (const [link, names] of groups)
    for (const index of names) {
      const entry = entries[index];
      if (entry !== undefined) entries[index] = { ...entry, link };
    }
  return entries;
}

function createEntry(record: TarRecord, tar: string): RootEntry {
  const { path, type, mode, uid, gid, mtime, size, target, device, attributes, position } = record;
  const body = (): Bytes =>
    size === 0 ? noBytes() : streamRegular(tar, { start: position, end: position + size });
  return {
    path,
    type: type === 'link' ? 'file' : type,
    mode,
    uid,
    gid,
    mtime,
    nanoseconds: 0,
    size: target === undefined ? size : Buffer.byteLength(target),
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    attributes,
    body,
  };
}
