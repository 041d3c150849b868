import { createHash } from 'node:crypto';
import { holdBytes } from '../io/spool.js';
import type { Entry } from '../model/entry.js';
import type { Put } from '../model/workspace.js';

const usualModes = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

/** The entry that a step puts. A directory that is put again keeps its time; a file without content keeps the body it has. */
export function createEntry(file: Put, stamp: number, old?: Entry): Entry {
  const { path, type } = file;
  const kept = old?.type === type ? old : undefined;
  const content = file.content ?? new Uint8Array();
  const body = file.content === undefined && kept !== undefined ? kept : holdBytes(content);
  const sha256 = body === kept ? kept?.sha256 : createHash('sha256').update(content).digest('hex');
  return {
    path,
    type,
    mode: file.mode ?? usualModes[type],
    uid: file.uid ?? 0,
    gid: file.gid ?? 0,
    mtime: type === 'directory' && kept !== undefined ? kept.mtime : stamp,
    size: type === 'file' ? body.size : type === 'symlink' ? Buffer.byteLength(file.target ?? '') : 0,
    ...(type === 'symlink' && { target: file.target ?? '' }),
    ...(type === 'file' && sha256 !== undefined && { sha256 }),
    body: () => body.body(),
  };
}
