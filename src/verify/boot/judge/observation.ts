import type { Expectation } from '../../../model/result/expectation.js';
import { type AttestationWatch, createAttestationWatch } from '../attest/attestation-watch.js';
import { createConsoleReader, longestLine } from '../console.js';
import { parseConsoleLine } from '../machine/kernel-line.js';
import { isMarkerLine, type Marker, markerWord, parseMarker } from '../probe/marker.js';
import { isDump, isNotice, isWarning, matchRule, type Rule } from './console-rules.js';
import { type ExpectationWatch, watchExpectations } from './expectations.js';
import { createHandOverWatch, type HandOverWatch } from './hand-over.js';
import { createMender } from './mender.js';
import type { Moment } from './moment.js';
import { type ReportWatch, watchReports } from './report-watch.js';
import { createSurveyWatch, type SurveyWatch } from './survey-watch.js';
import { type WordWatch, watchWords } from './word-watch.js';

/** All that the host knows of a guest: what it printed, and when. Pure; times are seconds since the start. */
export interface Observation extends Omit<ReportWatch, 'see' | 'seePrinted'>, Omit<WordWatch, 'see'> {
  readonly expectations: ExpectationWatch;
  readonly attestation: AttestationWatch;
  readonly survey: SurveyWatch;
  readonly handOver: HandOverWatch;
  push(chunk: Uint8Array, seconds: number): void;
  /** What came over the probe's own port. */
  pushProbe(chunk: Uint8Array, seconds: number): void;
  /** Treats a line without an end as a prompt once nothing has followed it for `promptDelay`. */
  rest(seconds: number): void;
  end(seconds: number): void;
  /** What refuses the boot, with its line. */
  fault(): Fault | undefined;
  /** A text with which a kernel ends, which counts if the guest then does. */
  suspicion(): Fault | undefined;
  milestones(): Milestones;
  warnings(): readonly string[];
  /** When the console last showed something, but for the notices of a kernel. */
  lastHeard(): number;
  /** What it was, also without an end. */
  lastLine(): string | undefined;
  /** When the console last showed a line unlike all before, but for its numbers and the notices of a kernel. */
  lastNews(): number;
  /** The last lines, the unfinished one included, without those of the probe. */
  tail(): readonly string[];
}

export interface Fault {
  readonly rule: Omit<Rule, 'pattern'>;
  readonly line: string;
  readonly at: number;
  /** Told before the first program. */
  readonly isEarly?: true | undefined;
  /** Its cause is what systemd told first. */
  readonly isMaintenance?: true | undefined;
}

type Maintenance = Extract<Marker, { kind: 'maintenance' }>;

/** First moments of a boot. */
export interface Milestones {
  readonly firmware?: Moment | undefined;
  readonly kernel?: Moment | undefined;
  /** The kernel starts the first program, or a program shows that it has. */
  readonly started?: Moment | undefined;
  /** Whether `started` is the kernel's own line or the probe's, and not a guess from what looks like a program's. */
  readonly isCertain?: boolean | undefined;
}

/** Seconds. */
export const promptDelay = 1;

/** A path and a target of 4095 bytes, three characters for each; a line of an output (probe-functions.sh). */
const longestProbeLine = 64 * 1024;
const mostLines = 40;
const mostWarnings = 50;
const mostShapes = 5000;
/** Hexadecimal ones too, as in a UUID or an address: a new number each second is nothing new. */
const anyNumber = /\b(?:0x)?(?=[a-f]*\d)[0-9a-f]{4,}\b|\d+/gi;

export function createObservation(
  nonce: string,
  expects: readonly Expectation[],
  onLine: (line: string) => void,
): Observation {
  const ownMarker = `${markerWord} ${nonce} `;
  const expectations = watchExpectations(expects);
  const attestation = createAttestationWatch();
  const survey = createSurveyWatch();
  const { see: seeReport, seePrinted, ...reports } = watchReports();
  const { see: seeWords, ...words } = watchWords();
  const handOver = createHandOverWatch();
  const mender = createMender(ownMarker);
  const warnings = new Set<string>();
  const shapes = new Set<string>();
  const tail: string[] = [];
  let milestones: Milestones = {};
  let fault: Fault | undefined;
  let suspicion: Fault | undefined;
  let hasSurelyStarted = false;
  let now = 0;
  let lastHeard = 0;
  let lastNews = 0;
  let lastLine: string | undefined;
  /** Lines that the expectations have not seen yet; those that a kernel printed before any program are kept apart. */
  let heard: string[] = [];
  let heardEarly: string[] = [];

  const readLine = (raw: string) => {
    const { text: line, origin, message } = parseConsoleLine(raw);
    // Thousands, where the guest has no other port.
    if (!line.includes(`${ownMarker}attest `)) onLine(line);
    // A clock that is late says nothing of programs that are silent.
    const isIdle = hasSurelyStarted && message !== undefined && isNotice(message);
    if (!line.includes(ownMarker) && !isIdle) lastHeard = now;
    const mended = mender.mend(line);
    seeMarker(parseMarker(mended ?? line, nonce), line);
    if (mended !== undefined) heard.push(mended);
    if (isMarkerLine(line)) return;
    if (origin !== 'kernel') {
      seeProgram(line, origin === 'program' && message === undefined);
      seeWords(line);
    }
    if (message !== undefined) seeKernel(message, line);
    seeLine(line, isIdle, message);
    hear(line, origin === 'kernel' ? message : undefined);
  };
  // A guest without a second port sends the lines of the probe here.
  const reader = createConsoleReader(readLine, (start) =>
    start.includes(ownMarker) ? longestProbeLine : longestLine,
  );
  const probe = createConsoleReader(
    (line) => seeMarker(parseMarker(line, nonce), line),
    () => longestProbeLine,
  );

  /** A program lives: no text before was a kernel's last. */
  function seeProgram(line: string, isWhole: boolean): void {
    suspicion = undefined;
    // A kernel with `quiet` says nothing of itself.
    if ((milestones.kernel === undefined && !hasSurelyStarted) || line === '' || !isWhole) return;
    if (hasSurelyStarted) seePrinted();
    start(line, false);
  }

  function seeKernel(message: string, line: string): void {
    if (milestones.kernel === undefined) {
      const moment = { at: now, line };
      milestones = { ...milestones, firmware: milestones.firmware ?? moment, kernel: moment };
    }
    judgeKernel(message, line);
    if (/^Run \S+ as init process/.test(message)) start(line, true);
  }

  function judgeKernel(message: string, line: string): void {
    // No program blames the machine, not even one whose start was only guessed.
    const early = hasSurelyStarted ? undefined : matchRule(message, false);
    const isDoubted = early?.fault === 'machine' && milestones.started !== undefined;
    const rule = early === undefined || isDoubted ? matchRule(message, true) : early;
    if (rule === undefined) return;
    const found = { rule, line, at: now };
    // A kernel panics once: of two panics a program has printed the first.
    if (hasSurelyStarted || isDoubted)
      suspicion = suspicion === undefined || isPanic(suspicion) ? found : suspicion;
    // A panic is the last text of a kernel, and the cause where an earlier text was a symptom of the machine.
    else if (fault === undefined || rule.fault === 'machine') fault = { ...found, isEarly: true };
  }

  /** Surely: a line without the time of a kernel may be one of its own that a busy serial port has torn. */
  function start(line: string, isSure: boolean): void {
    if (milestones.started === undefined || (isSure && !hasSurelyStarted))
      milestones = { ...milestones, started: { at: now, line }, isCertain: isSure };
    // A kernel that starts a program was reached, whatever it printed.
    if (isSure) milestones = { firmware: milestones.started, kernel: milestones.started, ...milestones };
    hasSurelyStarted ||= isSure;
  }

  function seeMarker(marker: Marker | undefined, line: string): void {
    if (marker === undefined) return;
    suspicion = undefined;
    if (marker.kind === 'attest' || marker.kind === 'attested') {
      attestation.see(marker, now);
      lastNews = now;
      return;
    }
    start(line, true);
    if (marker.kind === 'check') expectations.seeCheck(marker, now);
    if (marker.kind === 'output') expectations.seeOutput(marker);
    if (marker.kind === 'warning') warn(marker.text);
    seeRefusal(marker);
    if (marker.kind === 'survey') survey.see(marker.text);
    if (marker.kind === 'handed' || marker.kind === 'disks') handOver.see(marker, now);
    seeReport(marker, now);
    if (marker.kind === 'reached') expectations.seeUp(now);
  }

  function seeRefusal(marker: Marker): void {
    if (marker.kind === 'broken') fault ??= { rule: createBroken(marker.text), line: marker.text, at: now };
    if (marker.kind === 'maintenance') fault ??= { ...explainMaintenance(marker, words.failures()), at: now };
  }

  function seeLine(line: string, isIdle: boolean, message: string | undefined): void {
    milestones = { ...milestones, firmware: milestones.firmware ?? { at: now, line } };
    if (line !== '' && !isDump(line)) tail.push(line);
    if (line !== '' && !isDump(line) && !isIdle) lastLine = line;
    if (tail.length > mostLines) tail.shift();
    const shape = line.replace(anyNumber, '#').slice(0, 200);
    // A guest that says so much has not come to rest: an old line is news once more.
    if (shapes.size >= mostShapes) shapes.clear();
    // Each line of a kernel that is still starting is progress.
    if (!shapes.has(shape) && !isIdle) {
      shapes.add(shape);
      lastNews = now;
    }
    if (isWarning(line)) warn(line);
    if (message === undefined) handOver.seeLine(line, now);
  }

  function hear(line: string, message: string | undefined): void {
    if (message !== undefined && isEcho(message)) expectations.seeLines([line], now, 'echo');
    else if (message !== undefined && !hasSurelyStarted) heardEarly.push(line);
    else heard.push(line);
  }

  function passHeard(): void {
    const [early, lines] = [heardEarly, heard];
    heardEarly = [];
    heard = [];
    expectations.seeLines(early, now, 'early');
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
    ...reports,
    ...words,
    expectations,
    attestation,
    survey,
    handOver,
    push(chunk, seconds) {
      now = seconds;
      const before = unfinished();
      reader.push(chunk);
      passHeard();
      if (unfinished() !== before) lastHeard = now;
    },
    pushProbe(chunk, seconds) {
      now = seconds;
      probe.push(chunk);
    },
    rest(seconds) {
      if (seconds - lastHeard < promptDelay) return;
      expectations.seeLines([unfinished()], lastHeard, 'open');
      handOver.seeLine(unfinished(), lastHeard);
    },
    end(seconds) {
      now = seconds;
      reader.end();
      probe.end();
      passHeard();
    },
    fault: () => fault,
    suspicion: () => suspicion,
    milestones: () => milestones,
    warnings: () => [...warnings],
    lastHeard: () => lastHeard,
    lastLine: () => unfinished() || lastLine,
    lastNews: () => lastNews,
    tail: () => (unfinished() === '' ? [...tail] : [...tail, unfinished()]),
  };
}

/** Whether a kernel repeats its command line, whose words come from this boot and not from the image. */
function isEcho(message: string): boolean {
  return echoes.some((pattern) => pattern.test(message));
}

const echoes: readonly RegExp[] = [
  /^(Kernel )?command line: /i,
  /^Unknown (kernel )?command.line parameters /i,
  new RegExp(`^Run /${markerWord}\\S* as init process`),
];

function isPanic({ line }: Fault): boolean {
  return line.includes('Kernel panic');
}

/** Nobody is there to mend what failed, and an init system starts nothing more. */
function explainMaintenance({ mode, failed }: Maintenance, failures: readonly string[]): Omit<Fault, 'at'> {
  const reason =
    mode === 'sulogin'
      ? 'a script of the image started a shell for maintenance (sulogin), which waits for a person'
      : `systemd is in its ${mode} mode${failed === '' ? '' : `, ${failed} failed`}`;
  const hint = 'mend what failed first, or let the boot go on without it (a mount: nofail in etc/fstab)';
  return { rule: { fault: 'image', reason, hint }, line: failures[0] ?? reason, isMaintenance: true };
}

function createBroken(reason: string): Fault['rule'] {
  return { fault: 'image', reason, hint: 'see moby-patch ls -l IMAGE dev/console init' };
}
