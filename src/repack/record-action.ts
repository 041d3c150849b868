import type { Entry } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';

/** What becomes of one record of the old image. A record without an action stays as it is. */
export type RecordAction =
  | { readonly do: 'drop' }
  | { readonly do: 'replace'; readonly entry: Entry }
  /** Stays, but its hard-link group became smaller; `carry`: it gets the group's body from that record. */
  | { readonly do: 'relink'; readonly nlink: number; readonly carry?: ArchiveRecord | undefined };
