import { mkdirSync } from 'node:fs';
import type { FileWriters } from '../../folder/file-writers.js';
import type { Folder } from '../../folder/folder.js';
import type { MaterialisedFolder } from '../../folder/materialise.js';
import { parsePermissions, parseType } from '../../format/mode.js';
import { encodeLine } from '../../format/sidecar.js';
import { createLineFile } from '../../io/file/line-file.js';
import type { ImageEntry } from '../../model/image/archive.js';
import type { EntryType } from '../../model/image/entry.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { SidecarRecord, SidecarTrailer } from '../../model/image/sidecar.js';
import { parentPath, splitPath } from '../../tree/resolve.js';
import type { RecordWatcher } from '../collector.js';
import { createRecordLines } from './record-lines.js';

/** Directories and bodies that are written while the image is read. */
export interface EagerFolder extends RecordWatcher, AsyncDisposable {
  /** Writes what is left, and ends; undefined when a record was unusual or a call failed. */
  finish(): Promise<MaterialisedFolder | undefined>;
}

export interface EagerFolderOptions {
  readonly folder: Folder;
  /** The path of the new file for the lines. */
  readonly records: string;
  readonly writers: FileWriters;
}

/** A line behind one whose body is not written yet, or with such a body itself. */
interface WaitingLine {
  line: SidecarRecord | SidecarTrailer;
  isReady: boolean;
}

/**
 * Writes into an empty folder, and the lines of the records into a new file, as if every record became a file of
 * its own. Whether it does is known when all is read, by the kernel's rules (`isWhole`). A failure (a name that
 * exists, a parent that does not) ends the writing. Every name is created, below directories created here.
 */
export function createEagerFolder({ folder, records, writers }: EagerFolderOptions): EagerFolder {
  const output = createLineFile(records);
  const directories = new Set<string>();
  const files = new Map<ArchiveRecord, string>();
  const lines = createRecordLines();
  const waiting: WaitingLine[] = [];
  let isUsual = true;
  let raw: Uint8Array = new Uint8Array();
  /** Where the present body goes. */
  let body: string | undefined;

  /** No error is reported: the caller unpacks again, and that meets the same error if it is one. */
  function attempt(work: () => void): void {
    if (!isUsual) return;
    try {
      work();
    } catch {
      isUsual = false;
    }
  }

  function locate(path: string): Buffer {
    if (path === '') throw new Error('not the name of a file');
    const parent = parentPath(path);
    if (parent !== '' && !directories.has(parent)) throw new Error('no parent was made');
    return folder.locate(path);
  }

  function begin(record: ArchiveRecord): void {
    const { mode, filesize } = record.header;
    const type = parseType(mode);
    const path = findPath(record.name, type);
    if (type === 'directory' && filesize === 0) {
      if (path === '' || directories.has(path)) return;
      mkdirSync(locate(path), 0o700);
      directories.add(path);
    } else if (type === 'file' && filesize > 0) {
      writers.begin(locate(path));
      body = path;
    }
  }

  function end(record: ArchiveRecord): void {
    const { mode, uid, gid, mtime, filesize } = record.header;
    if (body === undefined) {
      // The body of anything but a file is in the lines.
      if (filesize > 0 && record.target === undefined) throw new Error('a body that is no file');
      addLine({ line: lines.record(record, raw), isReady: true });
      return;
    }
    files.set(record, body);
    body = undefined;
    // The empty digest gives the key its place in the line.
    const made = lines.record(record, raw, '');
    const waiter = { line: made as SidecarRecord, isReady: false };
    writers.end({ type: 'file', mode: parsePermissions(mode), uid, gid, mtime }, (sha256) => {
      waiter.line = { ...made, sha256 };
      waiter.isReady = true;
      attempt(writeLines);
    });
    addLine(waiter);
  }

  function addLine(line: WaitingLine): void {
    waiting.push(line);
    writeLines();
  }

  function writeLines(): void {
    let ready = 0;
    for (; waiting[ready]?.isReady; ready += 1)
      output.write(encodeLine((waiting[ready] as WaitingLine).line));
    waiting.splice(0, ready);
  }

  return {
    async finish() {
      if (isUsual) {
        await writers.finish().catch(() => {
          isUsual = false;
        });
      }
      await writers[Symbol.asyncDispose]();
      attempt(() => output.close());
      return isUsual && waiting.length === 0 ? { directories, files } : undefined;
    },
    begin(record, bytes) {
      raw = bytes;
      attempt(() => begin(record));
    },
    data(bytes) {
      if (body !== undefined) attempt(() => writers.data(bytes));
    },
    end: (record) => attempt(() => end(record)),
    trailer: (segment, position, bytes) =>
      attempt(() => addLine({ line: lines.trailer(segment, position, bytes), isReady: true })),
    room: () => (isUsual ? writers.room() : undefined),
    async [Symbol.asyncDispose]() {
      await writers[Symbol.asyncDispose]();
      output[Symbol.dispose]();
    },
  };
}

/** Whether every directory and every body of these entries was written, and nothing else. */
export function isWhole({ directories, files }: MaterialisedFolder, entries: Iterable<ImageEntry>): boolean {
  let found = 0;
  for (const { path, type, size, data } of entries) {
    if (type === 'directory' && path !== '') {
      if (!directories.has(path)) return false;
      found += 1;
    } else if (type === 'file' && size > 0) {
      const at = files.get(data);
      if (at === undefined) return false;
      // The other names of a file become links to this one.
      if (at === path) found += 1;
    }
  }
  return found === directories.size + files.size;
}

/** The canonical path, as long as no parent is a symlink; the root for a name that leads out or nowhere. */
function findPath(name: string, type: EntryType | undefined): string {
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const components = splitPath(name);
  const isOther = components.includes('..') || (type !== 'directory' && name.endsWith('/'));
  return isOther ? '' : components.join('/');
}
