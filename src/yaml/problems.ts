import { MobyPatchError } from '../model/error/error.js';
import type { Position } from '../model/patch/patch.js';
import { type ProblemCode, problemCodes } from './problem-code.js';

/** A fault in a text file, in one line: what it is about, what was found, what was wanted. */
export interface Problem {
  readonly at: Position;
  readonly code: ProblemCode;
  readonly text: string;
  /** What to do; default: that of the code. */
  readonly hint?: string | undefined;
  /** How many it stands for; default: 1. */
  readonly count?: number | undefined;
}

const mostLines = 50;

/** `FILE:LINE:COLUMN`, which editors and terminals turn into a link; keys in the place of both for a value of no file. */
export function formatPosition(at: Position): string {
  return at.inside === undefined ? `${at.file}:${at.line}:${at.column}` : `${at.file}: ${at.inside}`;
}

/** In the order of files and places. */
export function sortByPlace<Placed extends Pick<Problem, 'at'>>(all: readonly Placed[]): Placed[] {
  return [...all].sort(
    ({ at: a }, { at: b }) =>
      (a.file === b.file ? 0 : a.file < b.file ? -1 : 1) || a.line - b.line || a.column - b.column,
  );
}

/** The problems behind an error of `createProblemError`; undefined for any other. */
export function problemsOf(error: unknown): readonly Problem[] | undefined {
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return cause instanceof ProblemList ? cause.problems : undefined;
}

class ProblemList {
  constructor(readonly problems: readonly Problem[]) {}
}

/** One error (`invalid`, `patch-invalid`) for all problems of a file, each on its own line, in the order of the file. */
export function createProblemError(problems: readonly Problem[], hint?: string): MobyPatchError {
  const sorted = sortByPlace(problems);
  const lines = sorted.slice(0, mostLines).map(({ at, text }) => `${formatPosition(at)}: ${text}`);
  const left = sorted.slice(mostLines).reduce((sum, { count = 1 }) => sum + count, 0);
  if (left > 0) lines.push(`and ${left} more`);
  const [first, ...rest] = sorted;
  const single = rest.length === 0 ? first : undefined;
  return new MobyPatchError('invalid', 'patch-invalid', lines.join('\n'), {
    hint:
      single?.hint ??
      hint ??
      (single && problemCodes[single.code].hint) ??
      (first && `moby-patch check ${first.at.file.replace(/\/patch\.ya?ml$/, '')}`),
    path: first && formatPosition(first.at),
    cause: new ProblemList(sorted),
  });
}
