import { parseType } from '../format/mode.js';
import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Header } from '../model/image/layout.js';
import { type ScanLimits, usualLimits } from '../model/limits.js';

/** Counts what is read of an image against its limits; past one, `addMember` and `addEntry` throw `image-too-large`. */
export interface Budget {
  readonly entries: number;
  /** Bytes that may still be unpacked; negative past the limit. */
  readonly left: number;
  addMember(offset: number): void;
  /** Records stay in memory, and an archive of nothing but records compresses to almost nothing. */
  addEntry(header: Header, offset: number): void;
  addUnpacked(bytes: number): void;
  /** Of zeros between two parts, which begin at `offset`. */
  checkZeros(bytes: number, offset: number): void;
}

export function createBudget(file: InputFile, given: Partial<ScanLimits> = {}): Budget {
  const limits: ScanLimits = { ...usualLimits, ...given };
  const allowed = Math.min(limits.unpacked, Math.max(limits.anyway, limits.ratio * file.size));
  const hint = `for an image that you trust: --max-entries ${2 * limits.records}`;
  let entries = 0;
  let names = 0;
  let members = 0;
  let unpacked = 0;

  function refuse(offset: number, what: string, advice?: string): never {
    throw new MobyPatchError('invalid', 'image-too-large', `the image has ${what}`, {
      path: file.name,
      offset,
      hint: advice,
    });
  }

  return {
    get entries() {
      return entries;
    },
    get left() {
      return allowed - unpacked;
    },
    addMember(offset) {
      members += 1;
      if (members > limits.members) refuse(offset, `more than ${limits.members} parts`);
    },
    addEntry({ namesize, mode, filesize }, offset) {
      entries += 1;
      names += namesize + (parseType(mode) === 'symlink' ? filesize : 0);
      if (entries > limits.records) refuse(offset, `more than ${limits.records} entries`, hint);
      if (names > limits.names) refuse(offset, `more than ${limits.names} bytes of names`, hint);
    },
    checkZeros(bytes, offset) {
      if (bytes > limits.anyway)
        refuse(
          offset,
          `more than ${limits.anyway} zeros in a row`,
          'is it a disk image, or a sparse file? --max-size BYTES',
        );
    },
    addUnpacked(bytes) {
      unpacked += bytes;
    },
  };
}
