import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Architecture } from '../../format/kernel-magic.js';
import { createScratch } from '../../io/scratch.js';
import type { BootRequest, BootResult } from '../../model/boot.js';
import { MobyPatchError } from '../../model/error.js';
import { probeKvm } from './accelerator.js';
import { createConsoleFile } from './console-file.js';
import type { Init } from './detect-init.js';
import { type Guest, startGuest } from './guest.js';
import { detectKernel } from './kernel.js';
import { type Accelerator, createArguments, createCmdline, findQemu } from './machine.js';
import { createObservation, type Observation, promptDelay } from './observation.js';
import { createProbe, writeProbedImage } from './probe-segment.js';
import { type End, judge } from './verdict.js';

export interface BootOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** From `detectInit` and the entries of the image. */
  readonly init: Init;
}

/** Seconds that an expectation may still take after the guest's report; after that of `init` the boot goes on. */
const grace: Record<Init, number> = { openrc: 5, other: 30, none: 0 };

/** Seconds after a text that refuses the boot, for the lines that explain it. */
const aftermath = 2;

const tailLines = 20;

/**
 * Boots the image with its kernel until everything it must show was seen, or cannot be seen any more.
 * A boot that fails is a result; an error means that nothing is known about the image: no QEMU, a QEMU
 * that broke, an unreadable file, an abort. No process is left in any case; the console file is.
 */
export async function bootImage(request: BootRequest, options: BootOptions): Promise<BootResult> {
  const { init, signal } = options;
  if (init === 'none' && !request.expects.some((expectation) => 'console' in expectation))
    throw new MobyPatchError(
      'invalid',
      'nothing-to-expect',
      'the image has no /bin/sh, so it cannot report what it has reached',
      {
        hint: 'name a line that a good boot prints: --expect REGEX',
      },
    );
  const nonce = randomBytes(16).toString('hex');
  const { firstProgram, words } = splitCmdline(request.cmdline, init);
  const probe = createProbe({ init, nonce, expects: request.expects, firstProgram });
  let onLine = (_: string) => {};
  const seen = createObservation(nonce, request.expects, (line) => onLine(line));

  const architecture = await detectKernel(request.kernel);
  const { program, version } = await findQemu(architecture, signal);
  const accelerator = await chooseAccelerator(program, architecture, request, options);
  await using scratch = await createScratch();
  const initrd = join(scratch.path, 'initrd.img');
  await writeProbedImage(request.image, probe.segment, initrd);
  const kept = await createConsoleFile(request.console);
  onLine = kept.write;

  const cmdline = createCmdline(architecture, accelerator, probe.words, words.join(' '));
  const { kernel, memory, network } = request;
  const argv = createArguments({ architecture, accelerator, kernel, initrd, memory, network, cmdline });
  options.log(`${version}, ${accelerator}, ${memory} MiB: booting ${request.image} with ${kernel}`);
  const start = performance.now();
  const clock = () => (performance.now() - start) / 1000;
  let end: End;
  try {
    let notify = () => {};
    await using guest = startGuest([program, ...argv], signal, (chunk) => {
      seen.push(chunk, clock());
      notify();
    });
    end = await waitForEnd(guest, seen, init, request.timeout, clock, (listener) => {
      notify = listener;
    });
  } finally {
    seen.end(clock());
    await kept.close();
  }
  const seconds = clock();
  const reason = judge(seen, end, init, request.timeout, seconds);
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

function waitForEnd(
  guest: Guest,
  seen: Observation,
  init: Init,
  timeout: number,
  clock: () => number,
  listen: (listener: () => void) => void,
): Promise<End> {
  return new Promise<End>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (end: End) => {
      clearTimeout(timer);
      listen(() => {});
      resolve(end);
    };
    const look = () => {
      const now = clock();
      seen.rest(now);
      const hasMarker = seen.reached() !== 'nothing' || init === 'none';
      const fault = seen.fault();
      const reachedAt = seen.reachedAt();
      if (fault === undefined && hasMarker && seen.expectations.areMet()) return finish({ kind: 'settled' });
      if (fault !== undefined && now >= fault.at + aftermath) return finish({ kind: 'fault' });
      if (reachedAt !== undefined && now >= reachedAt + grace[init]) return finish({ kind: 'grace' });
      if (now >= timeout) return finish({ kind: 'timeout' });
      const limits = [
        timeout,
        fault && fault.at + aftermath,
        reachedAt !== undefined ? reachedAt + grace[init] : undefined,
      ];
      if (seen.lastHeard() + promptDelay > now) limits.push(seen.lastHeard() + promptDelay);
      const next = Math.min(...limits.filter((limit) => limit !== undefined));
      clearTimeout(timer);
      timer = setTimeout(look, Math.max(1, (next - now) * 1000));
    };
    listen(look);
    look();
    guest.exited.then(
      (exit) => finish({ kind: 'exited', exit }),
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

async function chooseAccelerator(
  program: string,
  architecture: Architecture,
  request: BootRequest,
  { signal, log }: BootOptions,
): Promise<Accelerator> {
  const wanted = request.accelerator ?? 'auto';
  if (wanted === 'tcg') return 'tcg';
  const { usable, reason } = await probeKvm(program, request.kernel, architecture, signal);
  if (usable) return 'kvm';
  if (wanted === 'kvm')
    throw new MobyPatchError(
      'infrastructure',
      'kvm-unusable',
      `KVM was asked for and cannot be used: ${reason}`,
      {
        hint: 'leave the choice of the accelerator to the verification, or take tcg',
      },
    );
  log(`emulated without KVM: ${reason}`);
  return 'tcg';
}

/** Takes `rdinit=` out of a command line when the probe has to stand in its place; the last one counts. */
function splitCmdline(cmdline: string, init: Init): { firstProgram: string; words: string[] } {
  const words = cmdline.split(/\s+/).filter((word) => word !== '');
  const named = words.filter((word) => word.startsWith('rdinit=')).at(-1);
  return {
    firstProgram: named?.slice('rdinit='.length) ?? '/init',
    words: init === 'other' ? words.filter((word) => !word.startsWith('rdinit=')) : words,
  };
}
