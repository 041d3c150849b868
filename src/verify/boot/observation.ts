import type { BootResult } from '../../model/boot.js';
import type { Expectation } from '../../model/patch.js';
import { createConsoleReader } from './console.js';
import { isWarning, matchRule, type Rule } from './console-rules.js';
import { type ExpectationWatch, watchExpectations } from './expectations.js';
import { isMarkerLine, type Marker, markerWord, parseMarker } from './marker.js';

/** All that the host knows of a guest: what it printed, and when. Pure; times are seconds since the start. */
export interface Observation {
  readonly expectations: ExpectationWatch;
  push(chunk: Uint8Array, seconds: number): void;
  /** Treats a line without an end as a prompt once nothing has followed it for `promptDelay`. */
  rest(seconds: number): void;
  end(seconds: number): void;
  reached(): BootResult['reached'];
  /** When the probe first reported it. */
  reachedAt(): number | undefined;
  /** The first text that refuses the boot, with its line. */
  fault(): Fault | undefined;
  warnings(): readonly string[];
  lastHeard(): number;
  /** The last lines, the unfinished one included, without those of the probe. */
  tail(): readonly string[];
}

export interface Fault {
  readonly rule: Rule;
  readonly line: string;
  readonly at: number;
}

/** Seconds. */
export const promptDelay = 1;

const mostLines = 40;
const mostWarnings = 50;

export function createObservation(
  nonce: string,
  expects: readonly Expectation[],
  onLine: (line: string) => void,
): Observation {
  const ownMarker = `${markerWord} ${nonce} `;
  const expectations = watchExpectations(expects);
  const mender = createMender(ownMarker);
  const warnings = new Set<string>();
  const tail: string[] = [];
  let reached: BootResult['reached'] = 'nothing';
  let reachedAt: number | undefined;
  let fault: Fault | undefined;
  let now = 0;
  let lastHeard = 0;
  /** What the expectations have not seen yet. */
  let heard: string[] = [];

  const reader = createConsoleReader((line) => {
    onLine(line);
    if (!line.includes(ownMarker)) lastHeard = now;
    const mended = mender.mend(line);
    seeMarker(parseMarker(mended ?? line, nonce));
    if (mended !== undefined) heard.push(mended);
    if (!isMarkerLine(line)) seeLine(line);
  });

  function seeMarker(marker: Marker | undefined): void {
    if (marker?.kind === 'file') expectations.seeFile(marker);
    if (marker?.kind === 'warning') warn(marker.text);
    if (marker?.kind !== 'reached') return;
    reached = marker.what;
    reachedAt ??= now;
  }

  function seeLine(line: string): void {
    if (line !== '') tail.push(line);
    if (tail.length > mostLines) tail.shift();
    heard.push(line);
    const rule = matchRule(line);
    // A panic is the last text of a kernel, and the cause where an earlier text was a symptom of the machine.
    if (rule !== undefined && (fault === undefined || rule.fault === 'machine'))
      fault = { rule, line, at: now };
    if (isWarning(line)) warn(line);
  }

  function passHeard(): void {
    const lines = heard;
    heard = [];
    expectations.seeLines(lines, now);
  }

  function warn(line: string): void {
    if (warnings.size < mostWarnings) warnings.add(line);
  }

  /** The start of a program's line, but not what may be the start of the probe's. */
  function unfinished(): string {
    const partial = reader.partial();
    const isProbe = partial.startsWith(markerWord) || markerWord.startsWith(partial);
    return (mender.torn() + (isProbe ? '' : partial)).trimEnd();
  }

  return {
    expectations,
    push(chunk, seconds) {
      now = seconds;
      const before = unfinished();
      reader.push(chunk);
      passHeard();
      if (unfinished() !== before) lastHeard = now;
    },
    rest(seconds) {
      if (seconds - lastHeard >= promptDelay) expectations.seeLines([unfinished()], lastHeard);
    },
    end(seconds) {
      now = seconds;
      reader.end();
      passHeard();
    },
    reached: () => reached,
    reachedAt: () => reachedAt,
    fault: () => fault,
    warnings: () => [...warnings],
    lastHeard: () => lastHeard,
    tail: () => (unfinished() === '' ? [...tail] : [...tail, unfinished()]),
  };
}

const kernelMessage = /\[ *\d+\.\d{6}\] /;

interface Mender {
  /** The whole line when this is the last part of a torn one; otherwise undefined. */
  mend(line: string): string | undefined;
  /** The parts of a line whose last part has not come yet. */
  torn(): string;
}

/** The kernel and the probe write into a program's line: `Loading ...[   10.4] ACPI: on`, then ` [ ok ]`. */
function createMender(ownMarker: string): Mender {
  let torn = '';
  return {
    mend(line) {
      const kernel = line.search(kernelMessage);
      const at = kernel < 0 ? line.indexOf(ownMarker) : kernel;
      if (at === 0) return undefined;
      const whole = torn + line;
      torn = at < 0 ? '' : torn + line.slice(0, at);
      return at < 0 && whole !== line ? whole : undefined;
    },
    torn: () => torn,
  };
}
