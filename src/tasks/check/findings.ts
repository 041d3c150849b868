import { MobyPatchError } from '../../model/error/error.js';
import type { Position } from '../../model/patch/patch.js';
import { type ProblemCode, problemCodes, type Severity, severityOf } from '../../yaml/problem-code.js';
import { formatPosition, type Problem, problemsOf, sortByPlace } from '../../yaml/problems.js';

/** A problem as `check` tells it. */
export interface Finding {
  readonly severity: Severity;
  /** A problem's code, or that of an error. */
  readonly code: string;
  readonly at: Position;
  readonly text: string;
  /** What to do. */
  readonly try?: string | undefined;
}

export function toFinding(problem: Problem, isStrict: boolean): Finding {
  const { at, code, text, hint } = problem;
  const severity = isStrict ? 'error' : severityOf(code);
  return { severity, code, at, text, try: hint ?? problemCodes[code].hint };
}

/** What an error tells: the problems behind it, or itself. Anything but an error of ours is thrown again. */
export function explainError(error: unknown, file: string, isStrict: boolean): readonly Finding[] {
  const problems = problemsOf(error);
  return problems === undefined
    ? [toFileFinding(error, file)]
    : problems.map((problem) => toFinding(problem, isStrict));
}

/** An error about a whole file, or one that names its place. */
function toFileFinding(error: unknown, file: string): Finding {
  if (!(error instanceof MobyPatchError)) throw error;
  const [, path = file, line = '1', column = '1'] = /^(.*?):(\d+):(\d+)$/.exec(error.path ?? '') ?? [];
  return {
    severity: 'error',
    code: error.code,
    at: { file: path, line: Number(line), column: Number(column) },
    text: error.message,
    try: error.hint,
  };
}

export function describeCode(code: string): string {
  return Object.hasOwn(problemCodes, code) ? problemCodes[code as ProblemCode].title : code;
}

export interface CheckedFile {
  readonly kind: 'patch' | 'image' | 'configuration';
  /** Its path. */
  readonly name: string;
  /** In the order of the file; empty when all is right. */
  readonly findings: readonly Finding[];
  /** The texts of all errors; absent when there are none. */
  readonly problem?: string | undefined;
}

export function toChecked(kind: CheckedFile['kind'], name: string, all: readonly Finding[]): CheckedFile {
  const findings = sortByPlace(all);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const texts = errors.map(({ at, text }) => `${formatPosition(at)}: ${text}`);
  return { kind, name, findings, problem: texts.length === 0 ? undefined : texts.join('\n') };
}
