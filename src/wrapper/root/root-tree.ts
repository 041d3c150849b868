import { quoteFile } from '../../format/kind/file-kind.js';
import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Entry } from '../../model/image/entry.js';
import { type ScanLimits, usualLimits } from '../../model/limits.js';

/** An entry of a file system, with what an archive has no place for. */
export interface RootEntry extends Entry {
  /** Extended attributes by name: `security.capability`. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
  /** The fraction of `mtime`. */
  readonly nanoseconds: number;
  /** The inode of the file system that was read which has this very content, compressed. */
  readonly stored?: number | undefined;
  /** Bytes of the chunks in which that file system has it: what files share, and their zeros, are there once. */
  readonly chunk?: number | undefined;
}

/** All of a file system; parents come before what is in them. */
export interface RootTree {
  readonly entries: readonly RootEntry[];
  /** What was left out, and why. */
  readonly warnings: readonly string[];
}

export const noAttributes: ReadonlyMap<string, Uint8Array> = new Map();

/** Counts what is read of a file system. Past a limit of images it throws `image-too-large`. */
export function createRootBudget(
  file: { readonly name: string; readonly size: number },
  given: Partial<ScanLimits> = {},
) {
  const limits: ScanLimits = { ...usualLimits, ...given };
  const allowed = Math.min(limits.unpacked, Math.max(limits.anyway, limits.ratio * file.size));
  const left = { entries: limits.records, names: limits.names, bytes: allowed };
  const refuse = (what: string): never => {
    throw new MobyPatchError('invalid', 'image-too-large', `the file system has ${what}`, {
      path: file.name,
      hint: `for an image that you trust: --max-entries ${2 * limits.records}, --max-size BYTES`,
    });
  };
  const addBytes = (bytes: number): void => {
    left.bytes -= bytes;
    if (left.bytes < 0) refuse(`more than ${allowed} bytes`);
  };
  return {
    addBytes,
    /** `size`: bytes of its body. */
    add(path: string, size: number): void {
      left.entries -= 1;
      left.names -= path.length;
      if (left.entries < 0) refuse(`more than ${limits.records} entries`);
      if (left.names < 0) refuse(`more than ${limits.names} bytes of names`);
      addBytes(size);
    },
  };
}

/** `wrapper-invalid` (`invalid`). `offset`: bytes from the start of the file. */
export function createDamageError(
  { name, size }: Pick<InputFile, 'name' | 'size'>,
  message: string,
  offset?: number,
): MobyPatchError {
  return new MobyPatchError('invalid', 'wrapper-invalid', `${message}: the file system is damaged`, {
    path: name,
    // What a damaged field leads to may be nowhere.
    offset: offset === undefined || offset > size ? undefined : offset,
    hint: 'get a whole copy',
  });
}

/** `wrapper-unread` (`invalid`): a feature of a format that is not read here. */
export function createFeatureError(path: string, feature: string): MobyPatchError {
  return new MobyPatchError(
    'invalid',
    'wrapper-unread',
    `the file system has ${feature}, which is not read here`,
    {
      path,
      hint: `mount -o loop,ro ${quoteFile(path)} /mnt && mkfs.erofs -zlz4hc NEW /mnt (Debian: erofs-utils)`,
    },
  );
}
