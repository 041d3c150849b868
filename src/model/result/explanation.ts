import type { Entry } from '../image/entry.js';

/** A record that is about a path, and what the kernel does with it. */
export interface ExplainedRecord {
  /** Index of the segment in the image, and of the record in all of them. */
  readonly segment: number;
  readonly index: number;
  /** Bytes from the start of the unpacked segment. */
  readonly position: number;
  /** As it is written. */
  readonly name: string;
  /** Of the record; absent for a type that no kernel knows. */
  readonly type?: string | undefined;
  readonly mode: number;
  readonly size: number;
  readonly effect: string;
  /** What of the file comes from it in the end. */
  readonly gives: readonly ('content' | 'mode and owner')[];
}

/** A step of the build that wrote the image. */
export interface ExplainedStep {
  readonly patch: string;
  readonly summary: string;
}

/** The value of `explain --json`. */
export interface Explanation {
  readonly version: 1;
  readonly image: string;
  /** As it was asked for, and where it leads when symlinks on the way are followed. */
  readonly path: string;
  readonly canonical: string;
  /** What the running system sees; absent where it sees nothing. */
  readonly entry?: Omit<Entry, 'body'> | undefined;
  /** In the order in which the kernel reads them. */
  readonly records: readonly ExplainedRecord[];
  /** Other names of the same file. */
  readonly links: readonly string[];
  /** Why the running system may see something else. */
  readonly notes: readonly string[];
  /** Packages of the image that say that it is theirs. */
  readonly packages: readonly string[];
  /** From the manifest beside the image; absent without one that describes this image. */
  readonly origin?:
    | {
        /** `stock`: no step changed it. */
        readonly change: 'added' | 'changed' | 'removed' | 'stock';
        /** One where it is known; all that it can be otherwise. */
        readonly steps: readonly ExplainedStep[];
      }
    | undefined;
}
