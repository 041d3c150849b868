import { createHash, type Hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { parsePermissions, parseType } from '../format/mode.js';
import { encodeLine } from '../format/sidecar.js';
import type { Folder } from '../io/folder.js';
import { createLineFile } from '../io/line-file.js';
import type { Materialised } from '../io/materialise.js';
import { createRegularFile, type NewFile, plainAttributes } from '../io/write-entry.js';
import type { EntryType } from '../model/entry.js';
import type { ArchiveRecord, ImageEntry } from '../model/layout.js';
import { parentPath, splitPath } from '../tree/resolve.js';
import { createRecordLines } from './record-lines.js';
import type { RecordWatcher } from './record-watcher.js';

/** Directories and bodies that are written while the image is read. */
export interface EagerFolder extends RecordWatcher, Disposable {
  /** Ends it with all lines written; undefined when a record was not as they usually are, or a call failed. */
  finish(): Materialised | undefined;
}

interface OpenBody {
  readonly path: string;
  readonly file: NewFile;
  readonly hash: Hash;
}

/**
 * Writes into an empty folder, and the lines of the records into a new file, as if every record were a file of
 * its own in the end. Whether that is so the kernel's rules tell when all is read (`isWhole`); what fails here
 * (a name that is there, a parent that is not) gives it up. Every name is made new, below directories made here.
 */
export function createEagerFolder(folder: Folder, records: string): EagerFolder {
  const output = createLineFile(records, 0o600);
  const directories = new Set<string>();
  const files = new Map<ArchiveRecord, string>();
  const lines = createRecordLines();
  let usual = true;
  let raw: Uint8Array = new Uint8Array();
  let body: OpenBody | undefined;

  /** What is wrong here is told by whoever does the work again. */
  function attempt(work: () => void): void {
    if (!usual) return;
    try {
      work();
    } catch {
      giveUp();
    }
  }

  function giveUp(): void {
    usual = false;
    closeBody();
  }

  function closeBody(): void {
    const open = body;
    body = undefined;
    try {
      open?.file.close();
    } catch {
      usual = false;
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
      const file = createRegularFile(locate(path), plainAttributes);
      body = { path, file, hash: createHash('sha256') };
    }
  }

  function end(record: ArchiveRecord): void {
    const { mode, uid, gid, mtime, filesize } = record.header;
    let digest: string | undefined;
    if (body !== undefined) {
      body.file.finish({ type: 'file', mode: parsePermissions(mode), uid, gid, mtime });
      files.set(record, body.path);
      digest = body.hash.digest('hex');
      closeBody();
      // What is no file of the folder has its body in the lines.
    } else if (filesize > 0 && record.target === undefined) giveUp();
    output.write(encodeLine(lines.record(record, raw, digest)));
  }

  return {
    finish() {
      attempt(() => output.close());
      return usual ? { directories, files } : undefined;
    },
    begin(record, bytes) {
      raw = bytes;
      attempt(() => begin(record));
    },
    data(bytes) {
      if (body === undefined) return;
      attempt(() => {
        body?.file.write(bytes);
        body?.hash.update(bytes);
      });
    },
    end: (record) => attempt(() => end(record)),
    trailer: (segment, position, bytes) =>
      attempt(() => output.write(encodeLine(lines.trailer(segment, position, bytes)))),
    [Symbol.dispose]() {
      closeBody();
      output[Symbol.dispose]();
    },
  };
}

/** Whether a folder holds every directory and every body of these entries, and nothing more. */
export function isWhole({ directories, files }: Materialised, entries: Iterable<ImageEntry>): boolean {
  let found = 0;
  for (const { path, type, size, data } of entries) {
    if (type === 'directory' && path !== '') {
      if (!directories.has(path)) return false;
      found += 1;
    } else if (type === 'file' && size > 0) {
      const at = files.get(data);
      if (at === undefined) return false;
      // Any other name of a file is linked to the one that was written.
      if (at === path) found += 1;
    }
  }
  return found === directories.size + files.size;
}

/** Canonical, as long as no parent is a symlink; the root for what leads elsewhere or nowhere. */
function findPath(name: string, type: EntryType | undefined): string {
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const components = splitPath(name);
  const isOther = components.includes('..') || (type !== 'directory' && name.endsWith('/'));
  return isOther ? '' : components.join('/');
}
