import { linkSync, mkdirSync } from 'node:fs';
import { parsePermissions } from '../format/mode.js';
import { createInterruptedError } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive, ImageEntry } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { createFolderFault, type Folder, parentOf } from './folder.js';
import {
  type Attributes,
  exactAttributes,
  finishDirectory,
  writeRegularFile,
  writeSymlink,
} from './write-entry.js';

/** The part of an image that is in a folder already; parents are real directories, and there is no symlink. */
export interface MaterialisedFolder {
  /** Without the folder itself. */
  readonly directories: ReadonlySet<string>;
  /** Bodies, each in a regular file under one of its names, with the metadata of its record. */
  readonly files: ReadonlyMap<ArchiveRecord, string>;
}

export interface MaterialiseOptions {
  readonly folder: Folder;
  readonly signal: AbortSignal;
  /** Default: all. */
  readonly attributes?: Attributes;
  /** Default: nothing. */
  readonly present?: MaterialisedFolder | undefined;
}

interface Target extends MaterialiseOptions {
  readonly attributes: Attributes;
  readonly present: MaterialisedFolder;
}

const nothing: MaterialisedFolder = { directories: new Set(), files: new Map() };

/**
 * Writes the directories, files and symlinks of an image into a folder, in at most one pass over its bodies.
 * Device nodes, fifos and sockets are left out. The content is hostile: symlinks come last, and a parent must be a
 * directory made here, so no write can follow one; every name is created, none is opened.
 */
export async function materialiseImage(
  image: Pick<Archive, 'name' | 'entries' | 'bodies'>,
  options: MaterialiseOptions,
): Promise<void> {
  const target: Target = {
    ...options,
    attributes: options.attributes ?? exactAttributes,
    present: options.present ?? nothing,
  };
  const { folder, attributes } = target;
  const entries = [...image.entries.values()];
  const directories = makeDirectories(entries, target);
  const groups = groupFiles(entries);
  for (const group of groups) for (const entry of group) assertParent(entry, directories);
  await writeFiles(image, groups, target);
  for (const entry of entries.filter(({ type }) => type === 'symlink')) {
    assertParent(entry, directories);
    attempt(entry, () => writeSymlink(folder.locate(entry.path), entry, attributes));
  }
  // Deepest first: finishing a directory is the last change inside its parent.
  for (const entry of [...directories.values()].reverse()) {
    attempt(entry, () => finishDirectory(folder.locate(entry.path), entry, attributes));
  }
}

function makeDirectories(
  entries: readonly ImageEntry[],
  { folder, present }: Target,
): Map<string, ImageEntry> {
  const made = new Map<string, ImageEntry>();
  const directories = entries.filter(({ type }) => type === 'directory');
  for (const entry of directories.sort((a, b) => depthOf(a.path) - depthOf(b.path))) {
    if (entry.path !== '') {
      assertParent(entry, made);
      if (!present.directories.has(entry.path))
        attempt(entry, () => mkdirSync(folder.locate(entry.path), 0o700));
    }
    made.set(entry.path, entry);
  }
  return made;
}

/** The names of each regular file: one, or those of a hard-link group. */
function groupFiles(entries: readonly ImageEntry[]): ImageEntry[][] {
  const groups = new Map<string | ImageEntry, ImageEntry[]>();
  for (const entry of entries) {
    if (entry.type !== 'file') continue;
    const key = entry.link ?? entry;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

async function writeFiles(
  image: Pick<Archive, 'name' | 'bodies'>,
  groups: ImageEntry[][],
  target: Target,
): Promise<void> {
  const { present, signal } = target;
  const waiting = new Map<ArchiveRecord, ImageEntry[]>();
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const at = present.files.get(first.data);
    if (at !== undefined) finishGroup(group, at, target);
    else if (first.size > 0) waiting.set(first.data, group);
    else await writeGroup(group, undefined, target);
  }
  for await (const [record, body] of image.bodies(new Set(waiting.keys()))) {
    if (signal.aborted) throw createInterruptedError(signal);
    await writeGroup(waiting.get(record) ?? [], body, target);
    waiting.delete(record);
  }
  const [missing] = waiting.values();
  if (missing !== undefined) throw createMissingBodyError(image, missing[0]?.path ?? '');
}

async function writeGroup(
  group: readonly ImageEntry[],
  body: Bytes | undefined,
  { folder, attributes }: Target,
): Promise<void> {
  const [first, ...others] = group;
  if (first === undefined) return;
  const at = folder.locate(first.path);
  await writeRegularFile(at, first, body, attributes).catch((error) => {
    throw createFolderFault(error, 'writing', first.path);
  });
  for (const other of others) attempt(other, () => linkSync(at, folder.locate(other.path)));
}

/** For a body that is in the folder under one name of its group. */
function finishGroup(group: readonly ImageEntry[], path: string, { folder, attributes }: Target): void {
  const at = folder.locate(path);
  for (const entry of group) {
    if (entry.path !== path) attempt(entry, () => linkSync(at, folder.locate(entry.path)));
    // A later record of the group may have had another mode or time.
    else if (!hasMetadata(entry, entry.data)) attempt(entry, () => finishDirectory(at, entry, attributes));
  }
}

function hasMetadata({ mode, uid, gid, mtime }: ImageEntry, { header }: ArchiveRecord): boolean {
  return (
    mode === parsePermissions(header.mode) &&
    uid === header.uid &&
    gid === header.gid &&
    mtime === header.mtime
  );
}

function assertParent(entry: ImageEntry, directories: ReadonlyMap<string, ImageEntry>): void {
  const parent = parentOf(entry.path);
  if (parent === '' || directories.has(parent)) return;
  throw new MobyPatchError(
    'failed',
    'parent-missing',
    `the parent of ${entry.path} is no directory of the image, and nothing is written through anything else`,
    { path: entry.path },
  );
}

function attempt(entry: ImageEntry, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw createFolderFault(error, 'writing', entry.path);
  }
}

function createMissingBodyError(image: Pick<Archive, 'name'>, path: string): MobyPatchError {
  return new MobyPatchError('failed', 'body-missing', `${image.name} no longer holds the body of ${path}`, {
    path,
  });
}

const depthOf = (path: string) => (path === '' ? 0 : path.split('/').length);
