import { createBoundedRunner, type RunBounded } from '../../../io/process/bounded.js';
import type { MobyPatchError } from '../../../model/error/error.js';
import type { ExpectationResult } from '../../../model/result/boot.js';
import {
  type Expectation,
  isTelling,
  kindOf,
  nameExpectation,
  nameShown,
} from '../../../model/result/expectation.js';
import { isMarkerLine, type Marker } from '../probe/marker.js';
import { watchFailedServices } from './failed-services.js';
import { createSlowError, parsePattern, patternOf } from './patterns.js';

type CheckMarker = Extract<Marker, { kind: 'check' }>;
type OutputMarker = Extract<Marker, { kind: 'output' }>;

/** What is known of one expectation. */
interface Found {
  readonly ok: boolean;
  readonly text: string;
  /** When it was first ok. */
  readonly at?: number | undefined;
  /** The kernel printed it before any program ran. */
  readonly isEarly?: boolean | undefined;
}

/**
 * What lines of a console are. `early`: a kernel printed them before it started a program, so they say nothing of the image's programs.
 * `echo`: a kernel repeats its command line. `open`: a line that may go on, so a name at its end may be a part of one. `other`: the rest.
 */
export type LineSource = 'early' | 'echo' | 'open' | 'other';

export interface ExpectationWatch {
  /**
   * Lines of the console, or the start of one that has no end yet; `seconds` since the start. Many at a time: each call
   * has a time limit, which costs more than to look at a line.
   */
  seeLines(lines: readonly string[], seconds: number, source?: LineSource): void;
  /** The guest's report; a later report replaces an earlier one. */
  seeCheck(marker: CheckMarker, seconds: number): void;
  seeOutput(marker: OutputMarker): void;
  /** Whether what came over a port is the expected answer; false, with a fault, where the expression took too long. */
  isAnswer(index: number, text: string): boolean;
  /** What this machine found at a port of the guest. */
  seePort(index: number, found: Found, seconds: number): void;
  seeUp(seconds: number): void;
  seePoweroff(seconds: number): void;
  areMet(): boolean;
  /** The latest second that an expectation which is not met yet allows itself (`within`); 0 where none does. */
  latest(): number;
  /**
   * The second until which one more look is waited for, at what has to stay and was the same at all looks so far, or at the last two;
   * 0: at nothing.
   */
  staying(): number;
  /**
   * Whether an expectation is met that tells of a program of the image. `since`: when that program took over, where it was not the
   * first; a line that came before is another's.
   */
  hasTold(since?: number): boolean;
  wantsPoweroff(): boolean;
  /** In the order of the expectations. */
  results(): ExpectationResult[];
  /** Error (`invalid`): `expectation-slow`, once an expression took too long on a line; the others see no more lines. */
  fault(): MobyPatchError | undefined;
}

const mostOutput = 100;

/** Equal answers in a row after which something counts as lasting; they are about a second of the guest apart. */
const steadyLooks = 3;
/** Seconds of a guest; on a busy machine a look takes some. */
const longestLook = 20;

interface Streak {
  readonly text: string;
  readonly looks: number;
  /** When the first and the last were. */
  readonly since: number;
  readonly last: number;
  /** Whether there was no other answer before. */
  readonly isFirst: boolean;
}

/** Whether one look proves nothing: a service that is restarted after each crash shows the same now and then. */
function hasToStay(expectation: Expectation, found: string): boolean {
  return 'service' in expectation || ('no-failed-services' in expectation && found === 'none');
}

/**
 * Follows what a boot must show; `run` ends a pattern that backtracks for ever. Error (`invalid`): `expectation-pattern`
 * for text that is no regular expression.
 */
export function watchExpectations(
  expects: readonly Expectation[],
  run: RunBounded = createBoundedRunner(),
): ExpectationWatch {
  const patterns = new Map<number, RegExp>();
  for (const [index, expectation] of expects.entries())
    if (patternOf(expectation) !== undefined) patterns.set(index, parsePattern(expectation));
  const consoles = [...patterns].filter(([index]) => 'console' in (expects[index] ?? {}));
  const founds = new Map<number, Found>();
  const outputs = new Map<number, string[]>();
  const streaks = new Map<number, Streak>();
  const failedServices = watchFailedServices();
  let fault: MobyPatchError | undefined;

  for (const [index, expectation] of expects.entries())
    if ('no-failed-services' in expectation && !expectation['no-failed-services'])
      founds.set(index, { ok: true, text: 'not asked' });

  function note(index: number, found: Found, seconds: number): void {
    const before = founds.get(index);
    founds.set(index, { ...found, at: found.ok ? (before?.at ?? seconds) : undefined });
  }

  function find(index: number): Found | undefined {
    const found = founds.get(index);
    const refused = failedServices.refusedBy(expects[index], found?.text);
    return refused.length === 0 ? found : { ok: false, text: refused.join(', ') };
  }

  function isMet(index: number): boolean {
    const { ok = false, at = 0 } = find(index) ?? {};
    return ok && at <= (expects[index]?.within ?? Number.POSITIVE_INFINITY);
  }

  function noteKind(kind: 'within' | 'poweroff', text: string, seconds: number): void {
    for (const [index, expectation] of expects.entries())
      if (kindOf(expectation) === kind && founds.get(index)?.ok !== true)
        note(index, { ok: true, text }, seconds);
  }

  function noteSteady(index: number, text: string, seconds: number): void {
    const before = streaks.get(index);
    const isSame = before?.text === text;
    const { looks, since } = isSame ? before : { looks: 0, since: seconds };
    const isFirst = isSame ? before.isFirst : founds.get(index) === undefined;
    streaks.set(index, { text, looks: looks + 1, since, last: seconds, isFirst });
    if (looks + 1 >= steadyLooks) note(index, { ok: true, text }, since);
    else note(index, { ok: false, text: `${text}, but has not stayed` }, seconds);
  }

  /** Undefined when the expression took too long. */
  function test(index: number, text: string): boolean | undefined {
    const pattern = patterns.get(index);
    if (pattern === undefined) return true;
    const result = run(() => pattern.test(text));
    if (result === undefined) fault = createSlowError(expects[index]);
    return result?.value;
  }

  return {
    seeLines(all, seconds, source = 'other') {
      const isEarly = source === 'early' || source === 'echo';
      if (source !== 'open') for (const line of all) failedServices.seeLine(line);
      const seen = all.filter((line) => line !== '' && !isMarkerLine(line));
      const left = consoles.filter(
        ([index, pattern]) =>
          (!founds.has(index) || (founds.get(index)?.isEarly === true && !isEarly)) &&
          (source !== 'echo' || /command.line/i.test(pattern.source)),
      );
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
        if (line !== undefined)
          note(index, { ok: true, text: `${line} (after ${seconds.toFixed(1)} s)`, isEarly }, seconds);
    },
    seeCheck({ index, ok, found }, seconds) {
      const expectation = expects[index];
      if (expectation === undefined) return;
      const output = (outputs.get(index) ?? []).join('\n');
      outputs.delete(index);
      if (ok && hasToStay(expectation, found)) return noteSteady(index, found, seconds);
      streaks.delete(index);
      if (!('command' in expectation)) {
        note(index, { ok, text: ok ? found || 'as expected' : found }, seconds);
        return;
      }
      const matches = fault === undefined && test(index, output) === true;
      const isMet = ok && matches;
      if (founds.get(index)?.ok !== true)
        note(index, { ok: isMet, text: `${found}, ${showOutput(output, isMet)}` }, seconds);
    },
    seeOutput({ index, line }) {
      const lines = outputs.get(index) ?? [];
      if (lines.length < mostOutput) outputs.set(index, [...lines, line]);
    },
    isAnswer: (index, text) => fault === undefined && test(index, text) === true,
    seePort: note,
    seeUp: (seconds) => noteKind('within', `after ${seconds.toFixed(1)} s`, seconds),
    seePoweroff: (seconds) => noteKind('poweroff', `after ${seconds.toFixed(1)} s`, seconds),
    areMet: () => expects.every((_, index) => isMet(index)),
    latest: () =>
      Math.max(
        0,
        ...expects.map(({ within }, index) =>
          isMet(index) || founds.get(index)?.ok === true ? 0 : (within ?? 0),
        ),
      ),
    staying: () =>
      Math.max(
        0,
        ...[...streaks].map(([index, { looks, isFirst, last }]) =>
          !isMet(index) && (looks > 1 || isFirst) ? last + longestLook : 0,
        ),
      ),
    hasTold: (since = 0) =>
      expects.some((expectation, index) => {
        const { isEarly = false, at = 0 } = founds.get(index) ?? {};
        return isTelling(expectation) && isMet(index) && !isEarly && at >= since;
      }),
    wantsPoweroff: () => expects.some((expectation) => 'poweroff' in expectation),
    results: () =>
      expects.map((expectation, index) => {
        const found = find(index);
        const { at: _, patch, ...rest } = expectation;
        return {
          expectation: rest as Expectation,
          ...(patch !== undefined && { patch }),
          met: isMet(index),
          found: showFound(expectation, found, isMet(index)),
          ...(found?.at !== undefined && { seconds: found.at }),
          ...(found?.ok === true && !isMet(index) && { late: true }),
        };
      }),
    fault: () => fault,
  };
}

/** One sentence about the unmet expectations; undefined when all are met. */
export function explainUnmet(results: readonly ExpectationResult[]): string | undefined {
  const unmet = results.filter(({ met }) => !met);
  return unmet.length === 0
    ? undefined
    : unmet.map((each) => `${showPatch(each)}${explainOne(each)}`).join('; ');
}

function showPatch({ patch }: ExpectationResult): string {
  return patch === undefined ? '' : `${patch}: `;
}

function explainOne({ expectation, found, late }: ExpectationResult): string {
  // The line that was found says what was wanted.
  if (late === true) return `${'console' in expectation ? 'console' : nameShown(expectation)}: ${found}`;
  if ('console' in expectation) return `no line of the console matches /${expectation.console}/`;
  if ('file' in expectation) {
    const wanted = expectation.content === undefined ? 'a file' : JSON.stringify(expectation.content);
    return `${expectation.file} in the guest: wanted ${wanted}, found ${found}`;
  }
  if ('no-failed-services' in expectation) return found === unreported ? found : `services failed: ${found}`;
  if ('poweroff' in expectation) return 'the guest did not switch itself off';
  return `${nameExpectation(expectation)}: ${found}`;
}

function showFound(expectation: Expectation, found: Found | undefined, isMet: boolean): string {
  if (found === undefined) return showMissing(expectation);
  const wanted = kindOf(expectation) === 'within' ? '' : `, wanted within ${expectation.within} s`;
  const late = found.ok && !isMet ? `: too late${wanted}` : '';
  return `${found.text}${late === '' ? '' : `${found.text.includes('after') ? '' : ` after ${found.at?.toFixed(1)} s`}${late}`}`;
}

function showMissing(expectation: Expectation): string {
  if ('console' in expectation) return 'no such line';
  if ('poweroff' in expectation) return 'it went on';
  if (kindOf(expectation) === 'within') return 'not up';
  if ('port' in expectation) return 'not tried: the system was not up';
  if ('no-failed-services' in expectation) return unreported;
  return 'nothing: the guest did not report on it';
}

const unreported = 'the guest did not report on its services';

/** Characters of the output of a command that was as expected, and of one that was not. */
const mostShown = { met: 80, unmet: 300 };

/** One line is enough of an output that was as expected. */
function showOutput(output: string, isMet: boolean): string {
  const [line = '', ...more] = output.split('\n');
  if (output === '') return 'no output';
  if (!isMet) return JSON.stringify(output.slice(0, mostShown.unmet));
  const rest = more.length === 0 ? '' : ` and ${more.length} more ${more.length === 1 ? 'line' : 'lines'}`;
  return `${JSON.stringify(line.slice(0, mostShown.met))}${rest}`;
}
