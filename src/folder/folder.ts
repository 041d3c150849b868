import { encodePath, showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';

/** A folder of this machine that holds the root file system of an image. */
export interface Folder {
  /** Absolute. */
  readonly path: string;
  /** The bytes of the absolute path of an entry. Errors: `unsafe-path` for one that could lie outside, `path-too-long`. */
  locate(path: string): Buffer;
}

// PATH_MAX with its NUL: no system call takes a longer path, and node:fs has no calls relative to a descriptor.
const longestPath = 4095;

export function createFolder(path: string): Folder {
  const root = Buffer.from(path);
  const prefix = Buffer.from(`${path}/`);
  return {
    path,
    locate(inside) {
      if (inside === '') return root;
      if (!isPlain(inside)) throw createUnsafePathError(inside);
      const located = Buffer.concat([prefix, encodePath(inside)]);
      if (located.length > longestPath) throw createLongPathError(inside, longestPath - prefix.length);
      return located;
    },
  };
}

/** The path of an entry's directory; the root is its own parent. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The error for a failed system call, with the entry it failed for. `doing`: writing, reading, listing. */
export function createFolderFault(error: unknown, doing: string, path: string): MobyPatchError {
  if (error instanceof MobyPatchError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MobyPatchError(
      'infrastructure',
      'disk-full',
      `no space was left while ${doing} ${showPath(path)}`,
      {
        path,
        hint: 'free some space, or set TMPDIR to a folder on a larger disk',
        cause: error,
      },
    );
  }
  return new MobyPatchError('failed', 'local-folder', `${doing} ${showPath(path)} failed: ${message}`, {
    path,
    cause: error,
  });
}

function isPlain(path: string): boolean {
  return (
    !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function createUnsafePathError(path: string): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'unsafe-path',
    `found the path ${JSON.stringify(path)}, wanted one without empty parts, ".", ".." and NUL`,
    { path },
  );
}

function createLongPathError(path: string, limit: number): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'path-too-long',
    `the path ${showPath(path.slice(0, 60))}... has more than the ${limit} bytes that can be reached here`,
    { path, hint: 'moby-patch build --engine docker' },
  );
}
