import { createHash } from 'node:crypto';
import type { Content } from '../../model/patch/workspace.js';

/** What a step decides whatever was there before, for `findWriteConflicts`. */
export interface Written {
  /** A path, `PATH: NAME` for a value of a file that steps share, or a name such as `service NAME`. */
  readonly path: string;
  /** Differs where what is written does. */
  readonly mark: string;
  /** A value in a file that steps share: a later step of the same patch may change it. */
  readonly isShared?: boolean;
}

interface WrittenFile {
  /** A text, or a file of the patch folder. */
  readonly content: string | Content | undefined;
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly owner?: string | undefined;
}

/** A regular file. Equal bytes have one mark, wherever they come from. */
export function writtenFile(path: string, file: WrittenFile): Written {
  const { content = '', mode = 0o644, uid = 0, gid = 0, owner } = file;
  const sha256 =
    typeof content === 'string' ? createHash('sha256').update(content).digest('hex') : content.sha256;
  return { path, mark: JSON.stringify([sha256, mode, owner ?? `${uid}:${gid}`]) };
}

/** A value that has a name in a file. */
export function writtenValue(file: string, name: string, value: unknown): Written {
  return { path: `${file}: ${name}`, mark: JSON.stringify(value), isShared: true };
}
