import type { BootResult } from '../../model/boot.js';
import type { Expectation } from '../../model/patch.js';
import { createConsoleReader } from './console.js';
import { isWarning, matchRule, type Rule } from './console-rules.js';
import { type ExpectationWatch, watchExpectations } from './expectations.js';
import { isMarkerLine, markerWord, parseMarker } from './marker.js';

/** Everything the host knows of a guest: what it said, and when. Pure; times are seconds since the start. */
export interface Observation {
  readonly expectations: ExpectationWatch;
  push(chunk: Uint8Array, seconds: number): void;
  /** Takes a line that has no end for a prompt when nothing came behind it for `promptDelay`. */
  rest(seconds: number): void;
  end(seconds: number): void;
  reached(): BootResult['reached'];
  /** When the probe first said so. */
  reachedAt(): number | undefined;
  /** The first text that refuses the boot, with its line. */
  fault(): { readonly rule: Rule; readonly line: string; readonly at: number } | undefined;
  warnings(): readonly string[];
  lastHeard(): number;
  /** The last lines, the unfinished one included, without those of the probe. */
  tail(): readonly string[];
}

/** Seconds. */
export const promptDelay = 1;

const keptLines = 40;
const keptWarnings = 50;
const kernelMessage = /\[ *\d+\.\d{6}\] /;

export function createObservation(
  nonce: string,
  expects: readonly Expectation[],
  onLine: (line: string) => void,
): Observation {
  const expectations = watchExpectations(expects);
  const warnings = new Set<string>();
  const tail: string[] = [];
  let reached: BootResult['reached'] = 'nothing';
  let reachedAt: number | undefined;
  let fault: ReturnType<Observation['fault']>;
  const ownMarker = `${markerWord} ${nonce} `;
  let torn = '';
  let now = 0;
  let lastHeard = 0;

  const reader = createConsoleReader((line) => {
    onLine(line);
    if (!line.includes(ownMarker)) lastHeard = now;
    const whole = mend(line);
    seeMarker(whole ?? line);
    if (whole !== undefined) expectations.seeLine(whole, now);
    if (isMarkerLine(line)) return;
    if (line !== '') tail.push(line);
    if (tail.length > keptLines) tail.shift();
    expectations.seeLine(line, now);
    const rule = matchRule(line);
    // A panic is the last thing a kernel says, and the cause where an earlier text was a symptom of the machine.
    if (rule !== undefined && (fault === undefined || rule.fault === 'machine'))
      fault = { rule, line, at: now };
    if (isWarning(line)) warn(line);
  });

  /**
   * The kernel and the probe write into the middle of a program's line: `Loading ...[   10.4] ACPI: on`,
   * ` [ ok ]`. Gives the line that was meant when its last part has come.
   */
  function mend(line: string): string | undefined {
    const kernel = line.search(kernelMessage);
    const at = kernel < 0 ? line.indexOf(ownMarker) : kernel;
    if (at === 0) return undefined;
    const whole = torn + line;
    torn = at < 0 ? '' : torn + line.slice(0, at);
    return at < 0 && whole !== line ? whole : undefined;
  }

  /** The start of a program's line; what may be the start of the probe's is not. */
  function unfinished(): string {
    const partial = reader.partial();
    return (
      torn + (partial.startsWith(markerWord) || markerWord.startsWith(partial) ? '' : partial)
    ).trimEnd();
  }

  function seeMarker(line: string): void {
    const marker = parseMarker(line, nonce);
    if (marker?.kind === 'file') expectations.seeFile(marker);
    if (marker?.kind === 'warning') warn(marker.text);
    if (marker?.kind !== 'reached') return;
    reached = marker.what;
    reachedAt ??= now;
  }

  function warn(line: string): void {
    if (warnings.size < keptWarnings) warnings.add(line);
  }

  return {
    expectations,
    push(chunk, seconds) {
      now = seconds;
      const before = unfinished();
      reader.push(chunk);
      if (unfinished() !== before) lastHeard = now;
    },
    rest(seconds) {
      if (seconds - lastHeard >= promptDelay) expectations.seeLine(unfinished(), lastHeard);
    },
    end(seconds) {
      now = seconds;
      reader.end();
    },
    reached: () => reached,
    reachedAt: () => reachedAt,
    fault: () => fault,
    warnings: () => [...warnings],
    lastHeard: () => lastHeard,
    tail: () => (unfinished() === '' ? [...tail] : [...tail, unfinished()]),
  };
}
