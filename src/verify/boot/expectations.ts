import { createBoundedRunner } from '../../io/bounded.js';
import type { ExpectationResult } from '../../model/boot.js';
import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import { isMarkerLine, type Marker } from './marker.js';

type FileMarker = Extract<Marker, { kind: 'file' }>;

export interface ExpectationWatch {
  /**
   * Lines of the console, or the start of one that has no end yet; `seconds` since the start. Many at a time: each call
   * has a time limit, which costs more than to look at a line.
   */
  seeLines(lines: readonly string[], seconds: number): void;
  /** The guest's report on the path of a file expectation; a later report replaces an earlier one. */
  seeFile(marker: FileMarker): void;
  areMet(): boolean;
  /** In the order of the expectations. */
  results(): ExpectationResult[];
  /** Error (`invalid`): `expectation-slow`, once an expression took too long on a line; the others see no more lines. */
  fault(): MobyPatchError | undefined;
}

/** Follows what a boot must show. Error (`invalid`): `expectation-pattern` for text that is no regular expression. */
export function watchExpectations(expects: readonly Expectation[]): ExpectationWatch {
  const patterns = new Map(
    expects.flatMap((expectation, index) =>
      'console' in expectation ? [[index, parsePattern(expectation)] as const] : [],
    ),
  );
  const run = createBoundedRunner();
  const lines = new Map<number, string>();
  const files = new Map<number, FileMarker>();
  let fault: MobyPatchError | undefined;
  const isMet = (index: number) => lines.has(index) || files.get(index)?.state === 'ok';

  return {
    seeLines(all, seconds) {
      const seen = all.filter((line) => line !== '' && !isMarkerLine(line));
      const left = [...patterns].filter(([index]) => !lines.has(index));
      if (seen.length === 0 || left.length === 0 || fault !== undefined) return;
      let last = 0;
      const found = run(() =>
        left.map(([index, pattern]) => {
          last = index;
          return [index, seen.find((line) => pattern.test(line))] as const;
        }),
      );
      if (found === undefined) fault = createSlowError(expects[last]);
      for (const [index, line] of found?.value ?? [])
        if (line !== undefined) lines.set(index, `${line} (after ${seconds.toFixed(1)} s)`);
    },
    seeFile(marker) {
      if (expects[marker.index] !== undefined) files.set(marker.index, marker);
    },
    areMet: () => expects.every((_, index) => isMet(index)),
    results: () =>
      expects.map((expectation, index) => ({
        expectation: 'console' in expectation ? { console: expectation.console } : expectation,
        met: isMet(index),
        found: 'console' in expectation ? (lines.get(index) ?? 'no such line') : showFile(files.get(index)),
      })),
    fault: () => fault,
  };
}

/** `nothing-to-expect` (`invalid`). */
export function createNothingToExpectError(): MobyPatchError {
  const message = 'the image has no /bin/sh, so it cannot report what it has reached';
  return new MobyPatchError('invalid', 'nothing-to-expect', message, {
    hint: 'name a line that a good boot prints: --expect REGEX',
  });
}

/** One sentence about the unmet expectations; undefined when all are met. */
export function explainUnmet(results: readonly ExpectationResult[]): string | undefined {
  const unmet = results.filter(({ met }) => !met);
  if (unmet.length === 0) return undefined;
  const texts = unmet.map(({ expectation, found }) =>
    'console' in expectation
      ? `no line of the console matches /${expectation.console}/`
      : `${expectation.file} in the guest: wanted ${expectation.content === undefined ? 'a file' : JSON.stringify(expectation.content)}, found ${found}`,
  );
  return texts.join('; ');
}

function showFile(marker: FileMarker | undefined): string {
  if (marker === undefined) return 'nothing: the guest did not report on it';
  if (marker.state === 'ok') return 'as expected';
  if (marker.state === 'missing') return 'nothing at this path';
  return `other content, which starts with ${JSON.stringify(marker.found)}`;
}

type ConsoleExpectation = Extract<Expectation, { readonly console: string }>;

/** The compiler of expressions takes time that grows faster than their length; values of parameters make them longer. */
const longestPattern = 8192;

function parsePattern(expectation: ConsoleExpectation): RegExp {
  const { console: source } = expectation;
  if (source.length > longestPattern)
    throw createPatternError(expectation, `is longer than ${longestPattern} characters`);
  try {
    return new RegExp(source, 'u');
  } catch {
    // Outside of Unicode mode more is allowed, such as a needless backslash.
  }
  try {
    return new RegExp(source);
  } catch (cause) {
    throw createPatternError(expectation, `is no regular expression: ${(cause as Error).message}`, cause);
  }
}

function createPatternError(expectation: ConsoleExpectation, what: string, cause?: unknown): MobyPatchError {
  const message = `/${expectation.console.slice(0, 200)}/ ${what}`;
  return new MobyPatchError('invalid', 'expectation-pattern', message, { path: placeOf(expectation), cause });
}

function createSlowError(expectation: Expectation | undefined): MobyPatchError {
  const source = expectation !== undefined && 'console' in expectation ? expectation.console : '';
  const message = `/${source}/ took more than half a second to say whether a line of the console matches`;
  return new MobyPatchError('invalid', 'expectation-slow', message, {
    path: placeOf(expectation),
    hint: 'avoid a repetition inside a repetition, as in (a+)+',
  });
}

/** Of an expression in a patch file. */
function placeOf(expectation: Expectation | undefined): string | undefined {
  if (expectation === undefined || !('console' in expectation) || expectation.at === undefined)
    return undefined;
  const { file, line, column } = expectation.at;
  return `${file}:${line}:${column}`;
}
