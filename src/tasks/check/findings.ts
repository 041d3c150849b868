import { MobyPatchError } from '../../model/error.js';
import type { Position } from '../../model/patch.js';
import { type ProblemCode, problemCodes, type Severity, severityOf } from '../../yaml/problem-code.js';
import { formatPosition, type Problem } from '../../yaml/problems.js';

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

/** An error about a whole file, or one that names its place. */
export function toFileFinding(error: unknown, file: string): Finding {
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

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
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
  const findings = [...all].sort(
    ({ at: a }, { at: b }) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column,
  );
  const errors = findings.filter(({ severity }) => severity === 'error');
  const texts = errors.map(({ at, text }) => `${formatPosition(at)}: ${text}`);
  return { kind, name, findings, problem: texts.length === 0 ? undefined : texts.join('\n') };
}
