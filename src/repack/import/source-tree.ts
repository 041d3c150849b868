import { createHash } from 'node:crypto';
import type { Bytes, Entry, EntryType } from '../../model/image/entry.js';

/** A name in a folder or tar. */
export interface SourceEntry {
  readonly path: string;
  readonly type: EntryType;
  /** As the folder or tar shows it: see `SourceTree.shows`. */
  readonly mode: number;
  /** Absent where the owner is unknown: an entry of the image keeps its owner, a new one belongs to root. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly mtime: number;
  readonly size: number;
  readonly target?: string | undefined;
  readonly device?: Entry['device'];
  /** The same on every name of one file. */
  readonly link?: string | undefined;
  /** Of a regular file's body. */
  readonly sha256?: string | undefined;
  body(): Bytes;
}

export interface SourceTree {
  /** What messages call it. */
  readonly name: string;
  /** By canonical path. */
  readonly entries: ReadonlyMap<string, SourceEntry>;
  /** The mode that the folder or tar shows for an unchanged entry of the image. */
  shows(entry: Entry): number;
}

export async function digestBody(body: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body) hash.update(piece);
  return hash.digest('hex');
}

export async function* noBody(): Bytes & AsyncGenerator<Uint8Array> {}

/** Seconds that fit into a newc header. */
export function clampTime(seconds: number): number {
  return Math.min(Math.max(Math.floor(seconds), 0), 0xffffffff);
}
