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

/** A key of the boot configuration, with its values before and after; undefined where it is not there. */
export interface BootconfigDifference {
  readonly key: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
}

export interface TreeDiff {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Sorted by path. */
  readonly differences: readonly Difference[];
  /** Absent where the boot configurations are equal; empty where they only say the same in other words. */
  readonly bootconfig?: readonly BootconfigDifference[] | undefined;
}
