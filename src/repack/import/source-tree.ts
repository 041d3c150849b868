import { createHash } from 'node:crypto';
import type { Bytes, Entry, EntryType } from '../../model/entry.js';

/** What stands in a folder or tar under one name. */
export interface Found {
  readonly path: string;
  readonly type: EntryType;
  /** As the place shows it: see `shows`. */
  readonly mode: number;
  /** Absent: nobody said whose it is; an entry of the image keeps its owner, a new one belongs to root. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly mtime: number;
  readonly size: number;
  readonly target?: string | undefined;
  readonly device?: Entry['device'];
  /** The same on every name of one file that has several. */
  readonly link?: string | undefined;
  /** Of a regular file's body. */
  readonly sha256?: string | undefined;
  body(): Bytes;
}

export interface FoundTree {
  /** What messages call it. */
  readonly name: string;
  /** By canonical path. */
  readonly entries: ReadonlyMap<string, Found>;
  /** The mode that the place shows for an entry of an image that nobody has touched. */
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
