import type { ExpectationResult } from '../../model/boot.js';
import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import { isMarkerLine, type Marker } from './marker.js';

type FileMarker = Extract<Marker, { kind: 'file' }>;

export interface ExpectationWatch {
  /** A line of the console, or the start of one that has no end yet; `seconds` since the start. */
  seeLine(line: string, seconds: number): void;
  /** The guest's report on the path of a file expectation; a later report replaces an earlier one. */
  seeFile(marker: FileMarker): void;
  areMet(): boolean;
  /** In the order of the expectations. */
  results(): ExpectationResult[];
}

/** Follows what a boot must show. Error (`invalid`): `expectation-pattern` for text that is no regular expression. */
export function watchExpectations(expects: readonly Expectation[]): ExpectationWatch {
  const patterns = expects.map((expectation) =>
    'console' in expectation ? parsePattern(expectation.console) : undefined,
  );
  const lines = new Map<number, string>();
  const files = new Map<number, FileMarker>();
  const isMet = (index: number) => lines.has(index) || files.get(index)?.state === 'ok';
  return {
    seeLine(line, seconds) {
      if (line === '' || isMarkerLine(line)) return;
      patterns.forEach((pattern, index) => {
        if (pattern?.test(line) && !lines.has(index))
          lines.set(index, `${line} (after ${seconds.toFixed(1)} s)`);
      });
    },
    seeFile(marker) {
      if (expects[marker.index] !== undefined) files.set(marker.index, marker);
    },
    areMet: () => expects.every((_, index) => isMet(index)),
    results: () =>
      expects.map((expectation, index) => ({
        expectation,
        met: isMet(index),
        found: 'console' in expectation ? (lines.get(index) ?? 'no such line') : showFile(files.get(index)),
      })),
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

function parsePattern(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    // Outside of Unicode mode more is allowed, such as a needless backslash.
  }
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new MobyPatchError(
      'invalid',
      'expectation-pattern',
      `/${source}/ is no regular expression: ${(cause as Error).message}`,
      { cause },
    );
  }
}
