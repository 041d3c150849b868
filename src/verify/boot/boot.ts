import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createScratch, type Scratch } from '../../io/scratch.js';
import type { BootRequest, BootResult } from '../../model/boot.js';
import { chooseAccelerator } from './accelerator.js';
import { createConsoleFile } from './console.js';
import type { Init } from './detect-init.js';
import { createNothingToExpectError } from './expectations.js';
import { type Guest, startGuest } from './guest.js';
import { detectKernel } from './kernel.js';
import { createArguments, createCmdline, findQemu } from './machine.js';
import { createObservation, type Observation } from './observation.js';
import { createProbe, writeProbedImage } from './probe.js';
import { decideEnd, type End, judge, type Terms } from './verdict.js';

export interface BootOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** From `detectInit` and the entries of the image. */
  readonly init: Init;
}

const tailLines = 20;

/**
 * Boots the image with its kernel until it has shown everything that it must show, or no longer can. A boot that fails
 * is a result; an error says that nothing is known about the image: no QEMU, a QEMU that broke, an unreadable file, an
 * abort. In any case no process is left, and the console file is.
 */
export async function bootImage(request: BootRequest, options: BootOptions): Promise<BootResult> {
  const { init, signal, log } = options;
  if (init === 'none' && !request.expects.some((expectation) => 'console' in expectation))
    throw createNothingToExpectError();
  const nonce = randomBytes(16).toString('hex');
  const { firstProgram, words } = splitCmdline(request.cmdline, init);
  const probe = createProbe({ init, nonce, expects: request.expects, firstProgram });
  let onLine = (_: string) => {};
  const seen = createObservation(nonce, request.expects, (line) => onLine(line));

  const architecture = await detectKernel(request.kernel);
  const { program, version } = await findQemu(architecture, signal);
  const { kernel, memory, network } = request;
  const accelerator = await chooseAccelerator({
    program,
    kernel,
    architecture,
    wanted: request.accelerator ?? 'auto',
    signal,
    log,
  });
  await using scratch = await createScratch();
  const initrd = join(scratch.path, 'initrd.img');
  const { image, sha256 } = request;
  await writeProbedImage({ image, sha256, segment: probe.segment, path: initrd });
  const record = await createConsoleFile(request.console);
  onLine = record.write;

  const cmdline = createCmdline(architecture, accelerator, probe.words, words.join(' '));
  const argv = createArguments({ architecture, accelerator, kernel, initrd, memory, network, cmdline });
  log(`${version}, ${accelerator}, ${memory} MiB: booting ${request.image} with ${kernel}`);
  const clock = startClock();
  const terms = { init, timeout: request.timeout };
  let end: End;
  try {
    end = await watchGuest({ argv: [program, ...argv], scratch, signal }, seen, terms, clock);
  } finally {
    seen.end(clock());
    await record.close();
  }
  const seconds = clock();
  const reason = judge(seen, end, terms, seconds);
  return {
    verdict: reason === undefined ? 'passed' : 'refused',
    reason,
    reached: seen.reached(),
    accelerator,
    seconds,
    expectations: seen.expectations.results(),
    warnings: seen.warnings(),
    console: request.console,
    tail: reason === undefined ? [] : seen.tail().slice(-tailLines),
  };
}

/** Seconds since now. */
function startClock(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}

interface GuestRun {
  readonly argv: readonly string[];
  /** Records the guest, which outlives a killed process. */
  readonly scratch: Scratch;
  readonly signal: AbortSignal;
}

/** Runs a guest until nothing more is to be learned from it. */
async function watchGuest(
  { argv, scratch, signal }: GuestRun,
  seen: Observation,
  terms: Terms,
  clock: () => number,
): Promise<End> {
  let onConsole = () => {};
  await using guest = startGuest(argv, signal, (chunk) => {
    seen.push(chunk, clock());
    onConsole();
  });
  if (guest.pid !== undefined) scratch.own(guest.pid);
  return await waitForEnd(guest, seen, terms, clock, (listener) => {
    onConsole = listener;
  });
}

function waitForEnd(
  guest: Guest,
  seen: Observation,
  terms: Terms,
  clock: () => number,
  listen: (listener: () => void) => void,
): Promise<End> {
  return new Promise<End>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      clearTimeout(timer);
      listen(() => {});
    };
    const look = () => {
      clearTimeout(timer);
      const now = clock();
      seen.rest(now);
      const end = decideEnd(seen, terms, now);
      if (typeof end === 'number') {
        timer = setTimeout(look, Math.max(1, (end - now) * 1000));
        return;
      }
      stop();
      resolve(end);
    };
    listen(look);
    look();
    guest.exited
      .finally(stop)
      .then((exit) => resolve({ kind: 'exited', exit }))
      .catch(reject);
  });
}

/** Removes `rdinit=` from a command line where the probe takes its place; the last one counts. */
function splitCmdline(cmdline: string, init: Init): { firstProgram: string; words: string[] } {
  const words = cmdline.split(/\s+/).filter((word) => word !== '');
  const rdinit = words.filter((word) => word.startsWith('rdinit=')).at(-1);
  return {
    firstProgram: rdinit?.slice('rdinit='.length) ?? '/init',
    words: init === 'other' ? words.filter((word) => !word.startsWith('rdinit=')) : words,
  };
}
