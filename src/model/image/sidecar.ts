import type { Header, LayoutFile, Segment } from './layout.js';

/**
 * The part of an unpacked image that is not in its files: one JSON value a line, in this order. `image`; every
 * `segment`; the records and TRAILERs of the segments; `end`, without which the file was cut.
 */
export type SidecarLine =
  | SidecarImage
  | SidecarSegment
  | SidecarRecord
  | SidecarTrailer
  | SidecarBytes
  | { readonly line: 'end' };

export interface SidecarImage {
  readonly line: 'image';
  readonly version: 1;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** The index of the segment that new entries go to. */
  readonly root: number;
  /** Paths of the image that are not in the folder or tar, but in these lines alone. */
  readonly kept: readonly string[];
  /** The permission bits that the folder itself was left with; absent: those of the image. */
  readonly top?: number | undefined;
  /** Those that the image was joined of; absent for one file. */
  readonly files?: readonly LayoutFile[] | undefined;
}

/** Bytes of a segment that is neither archive nor padding follow in `bytes` lines. */
export interface SidecarSegment extends Segment {
  readonly line: 'segment';
}

/** Zeros in front of a record beyond its alignment, and its bytes where the fields do not give them. */
interface Written {
  readonly segment: number;
  readonly gap?: number;
  /** The header has digits a to f. */
  readonly lower?: true;
  /** Base64 of the header and name with their padding; of a TRAILER with its body, too. */
  readonly raw?: string;
}

/**
 * A record's own header. Its body is the file in the folder or tar whose digest is `sha256`; without
 * that it is the `target`, or what follows in `bytes` lines.
 */
export interface SidecarRecord extends Written, Omit<Header, 'magic' | 'mode' | 'namesize' | 'check'> {
  readonly line: 'record';
  /** As written in the archive; bytes that are no UTF-8 as U+DC80 to U+DCFF. */
  readonly name: string;
  /** Octal, with the type: 100644. */
  readonly mode: string;
  readonly target?: string;
  readonly sha256?: string;
}

export interface SidecarTrailer extends Written {
  readonly line: 'trailer';
}

/** A piece of the body of the record, or of the segment, in the line before it. */
export interface SidecarBytes {
  readonly line: 'bytes';
  readonly base64: string;
}
