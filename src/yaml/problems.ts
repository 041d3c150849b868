import { MobyPatchError } from '../model/error.js';
import type { Position } from '../model/patch.js';

/** One thing that is wrong in a text file: what it is about, what was found, what was wanted. */
export interface Problem {
  readonly at: Position;
  readonly text: string;
}

const shown = 50;

/** `FILE:LINE:COLUMN`, the notation that editors and terminals make a link of. */
export function formatPosition(at: Position): string {
  return `${at.file}:${at.line}:${at.column}`;
}

/** One error for all problems of a patch, in the order of the file, each on a line of its own. */
export function createPatchError(problems: readonly Problem[], hint?: string): MobyPatchError {
  const sorted = [...problems].sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const lines = sorted.slice(0, shown).map(({ at, text }) => `${formatPosition(at)}: ${text}`);
  if (sorted.length > shown) lines.push(`and ${sorted.length - shown} more`);
  const first = sorted[0];
  return new MobyPatchError('invalid', 'patch-invalid', lines.join('\n'), {
    hint: hint ?? (first && `moby-patch check ${first.at.file.replace(/\/patch\.ya?ml$/, '')}`),
    path: first && formatPosition(first.at),
  });
}
