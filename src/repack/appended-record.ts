import type { RecordFields } from '../format/cpio-writer.js';
import type { Entry } from '../model/entry.js';

/** One record of an archive that is appended to an image. */
export interface AppendedRecord {
  readonly header: RecordFields;
  /** As written, in the style of the image. */
  readonly name: string;
  readonly target?: string | undefined;
  /** The entry whose body it brings. */
  readonly body?: Entry | undefined;
}

/** Why changes cannot be expressed by an archive behind the image, and the path that it is about. */
export interface AppendFault {
  readonly path: string;
  readonly reason: string;
}
