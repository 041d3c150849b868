import { encodePath, showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error.js';

/** A folder of this machine that holds the root file system of an image. */
export interface Folder {
  /** Absolute. */
  readonly path: string;
  /** Where an entry stands, as bytes; refuses (`unsafe-path`, `path-too-long`) what could lie outside. */
  locate(path: string): Buffer;
}

// PATH_MAX with its NUL: no path-based system call takes more, and node:fs has no others.
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

/** The path of the directory an entry stands in; the root's own parent is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** An error of the file system under the folder, told with the entry it happened at. */
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
