import { MobyPatchError } from '../model/error.js';
import type { Position } from '../model/patch.js';

/** A fault in a text file, in one line: what it is about, what was found, what was wanted. */
export interface Problem {
  readonly at: Position;
  readonly text: string;
  /** How many it stands for; default: 1. */
  readonly count?: number | undefined;
}

const mostLines = 50;

/** `FILE:LINE:COLUMN`, which editors and terminals turn into a link. */
export function formatPosition(at: Position): string {
  return `${at.file}:${at.line}:${at.column}`;
}

/** One error (`invalid`, `patch-invalid`) for all problems of a file, each on its own line, in the order of the file. */
export function createProblemError(problems: readonly Problem[], hint?: string): MobyPatchError {
  const sorted = [...problems].sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const lines = sorted.slice(0, mostLines).map(({ at, text }) => `${formatPosition(at)}: ${text}`);
  const left = sorted.slice(mostLines).reduce((sum, { count = 1 }) => sum + count, 0);
  if (left > 0) lines.push(`and ${left} more`);
  const first = sorted[0];
  return new MobyPatchError('invalid', 'patch-invalid', lines.join('\n'), {
    hint: hint ?? (first && `moby-patch check ${first.at.file.replace(/\/patch\.ya?ml$/, '')}`),
    path: first && formatPosition(first.at),
  });
}
