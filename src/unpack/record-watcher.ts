import type { ArchiveRecord } from '../model/layout.js';

/** Sees what an image is made of while it is read, in file order. It must not throw: whoever reads goes on. */
export interface RecordWatcher {
  /** `raw`: header and name with their padding, valid for ever. A symlink has no target yet. */
  begin(record: ArchiveRecord, raw: Uint8Array): void;
  /** A piece of the present record's body, valid during the call. */
  data(bytes: Uint8Array): void;
  /** The same record, with its target. */
  end(record: ArchiveRecord): void;
  /** `position`: from the start of the unpacked segment. */
  trailer(segment: number, position: number, raw: Uint8Array): void;
  /** Waited for now and then, so that it need not hold much; undefined when there is nothing to wait for. */
  room(): Promise<void> | undefined;
}
