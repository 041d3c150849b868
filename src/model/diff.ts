import type { EntryField, EntryType } from './entry.js';

export interface Difference {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly type: EntryType;
  /** For `changed`: which fields, with the values before and after as texts. */
  readonly fields: readonly { readonly field: EntryField; readonly before: string; readonly after: string }[];
  /** Lines of a unified diff, where the contents of a small text file are compared. */
  readonly text?: readonly string[] | undefined;
}

export interface TreeDiff {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Sorted by path. */
  readonly differences: readonly Difference[];
}
