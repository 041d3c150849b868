import { randomBytes } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { watchSpace } from '../../io/file/watch-space.js';
import { createScratch, type Scratch } from '../../io/place/scratch.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';
import { type BootRequest, type BootResult, bootStages } from '../../model/result/boot.js';
import { addDefaults, type Expectation } from '../../model/result/expectation.js';
import { detectInitOf } from '../../tree/init-system.js';
import { assertAttestable, createUnattestedError, explainAttested } from './attest/attestable.js';
import { listExpected } from './attest/attester.js';
import type { ExpectedPath } from './attest/compare-attested.js';
import { createConsoleFile } from './console.js';
import { assertAnswerable } from './judge/assert-answerable.js';
import { lacksRoot } from './judge/hand-over.js';
import { createObservation, type Observation } from './judge/observation.js';
import { refuseEmpty } from './judge/refuse-empty.js';
import { createStageLog } from './judge/stage-log.js';
import { listCauses, listStages } from './judge/stages.js';
import { type End, isProbeMute, judge, type Terms, wasUp } from './judge/verdict.js';
import { chooseAccelerator } from './machine/accelerator.js';
import { assertRoom } from './machine/cmdline-room.js';
import { type Drive, showDrives } from './machine/drives.js';
import { startGuestClock } from './machine/guest-clock.js';
import { detectKernel } from './machine/kernel.js';
import {
  createArguments,
  createCmdline,
  findArgument,
  findQemu,
  hasProbePort,
  type Machine,
  unattended,
} from './machine/machine.js';
import { openDrives } from './machine/open-drives.js';
import { listPorts } from './port-checks.js';
import type { Init } from './probe/detect-init.js';
import { createProbe } from './probe/probe.js';
import { writeProbedImage } from './probe/probed-image.js';
import { findRescue } from './probe/rescue.js';
import { findRunlevels, type Runlevels } from './probe/runlevels.js';
import { watchGuest } from './watch-guest.js';

export interface BootOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** From `detectInit` and the entries of the image. */
  readonly init: Init;
  /** From `mustHandOver`. */
  readonly handsOver?: boolean | undefined;
  /** Shows the guest's last line while it boots; for a terminal, where each replaces the one before. */
  readonly showLine?: ((line: string) => void) | undefined;
  /** A folder that gets the file that is booted. */
  readonly kept?: string | undefined;
  /** What is booted, for `attest` and the runlevels of OpenRC. */
  readonly archive?: Archive | undefined;
}

const tailLines = 20;

/**
 * Boots the image with its kernel until it has shown everything that it must show, or no longer can. A boot that fails
 * is a result; an error says that nothing is known about the image: no QEMU, a QEMU that broke, an unreadable file, an
 * abort. What the machine alone is at fault for is retried. In any case no process is left, and the console
 * file is.
 */
export async function bootImage(request: BootRequest, given: BootOptions): Promise<BootResult> {
  // No service can be added to a disk, but a watcher that starts beside the first program runs on there.
  const init = given.init === 'openrc' && request.disk !== undefined ? 'other' : given.init;
  const options = { ...given, init };
  for (const expectation of request.expects) refuseEmpty(expectation);
  assertAnswerable(init, request.expects);
  const expects = init === 'none' ? request.expects : addDefaults(request.expects);
  const chosen = await chooseMachine(request, options);
  const expected = await listAttestable(request, options);
  const runlevels = await findOpenrcRunlevels(request, given);
  const drives = await openDrives(request);
  await using scratch = await createScratch();
  const isWriting = drives.some(({ isFixed }) => !isFixed);
  using space = isWriting ? watchSpace(scratch.path, { signal: given.signal, what: 'the guest' }) : undefined;
  const watched = { ...options, signal: space?.signal ?? given.signal };
  const boot = { request, options: watched, expects, chosen, drives, scratch, expected, runlevels };
  return (await bootTwice(boot)) ?? (await bootUnasked(boot));
}

/** Undefined: the image's shell did not run the probe. */
async function bootTwice(boot: Boot): Promise<BootResult | undefined> {
  const { signal, log } = boot.options;
  try {
    const result = await bootOnce(boot);
    return result && { ...result, attempts: 1 };
  } catch (error) {
    if (!isOfMachine(error) || signal.aborted) throw error;
    log(`${error.message}: retrying`);
    const result = await bootOnce(boot);
    return result && { ...result, attempts: 2 };
  }
}

const own: ReadonlySet<string> = new Set(bootStages);

/** A first program that is no script may run where the shell does not: what is seen from outside decides. */
async function bootUnasked(boot: Boot): Promise<BootResult> {
  const { request, options } = boot;
  options.log('the /bin/sh of the image does not run: booting without asking the guest');
  const result = await bootTwice({
    ...boot,
    options: { ...options, init: 'none' },
    expects: request.expects,
  });
  if (result?.verdict !== 'refused' || !own.has(result.endedAt ?? ''))
    assertAnswerable('none', request.expects, 'has a /bin/sh that does not run');
  if (result === undefined) throw new Error('a boot without a probe has a verdict');
  return result;
}

function isOfMachine(error: unknown): error is MobyPatchError {
  return error instanceof MobyPatchError && error.code === 'machine-fault';
}

interface ChosenMachine extends Pick<Machine, 'architecture' | 'accelerator'> {
  readonly program: string;
  readonly version: string;
}

async function chooseMachine(
  { kernel, accelerator: wanted = 'auto' }: BootRequest,
  { signal, log }: BootOptions,
): Promise<ChosenMachine> {
  const architecture = await detectKernel(kernel);
  const { program, version } = await findQemu(architecture, signal);
  const accelerator = await chooseAccelerator({ program, kernel, architecture, wanted, signal, log });
  return { architecture, program, version, accelerator };
}

interface Boot {
  readonly runlevels: Runlevels | undefined;
  readonly request: BootRequest;
  readonly options: BootOptions;
  readonly expects: readonly Expectation[];
  readonly chosen: ChosenMachine;
  readonly drives: readonly Drive[];
  readonly scratch: Scratch;
  /** What an attested guest must have. */
  readonly expected: ReadonlyMap<string, ExpectedPath> | undefined;
}

async function listAttestable(
  { attest, kernel }: BootRequest,
  { archive }: BootOptions,
): Promise<ReadonlyMap<string, ExpectedPath> | undefined> {
  if (attest !== true || archive === undefined) return undefined;
  await assertAttestable(kernel);
  return listExpected(archive);
}

/** The service of the probe has to be in one of them, and a watcher waits for it. */
async function findOpenrcRunlevels(
  { cmdline }: BootRequest,
  { archive }: BootOptions,
): Promise<Runlevels | undefined> {
  if (archive === undefined || detectInitOf(archive.entries).name !== 'openrc') return undefined;
  return findRunlevels(archive, cmdline);
}

async function bootOnce({
  request,
  options,
  expects,
  chosen,
  drives,
  scratch,
  expected,
  runlevels,
}: Boot): Promise<Omit<BootResult, 'attempts'> | undefined> {
  const { init, signal, log } = options;
  // Only a probe in its image can say that a guest has gone over.
  const handsOver = options.handsOver === true && init !== 'none';
  const { architecture, accelerator, program, version } = chosen;
  const nonce = randomBytes(16).toString('hex');
  const attest = expected && architecture;
  const lacksPort = !hasProbePort(architecture);
  const isReplaced = init === 'other' || attest !== undefined;
  const { firstProgram, words } = splitCmdline(request, isReplaced);
  const probe = createProbe({
    disk: request.disk?.type,
    init,
    nonce,
    expects,
    firstProgram,
    attest,
    lacksPort,
    survey: request.survey,
    daemons: request.daemons,
    runlevels,
    rescue: findRescue(request.cmdline),
    handsOver,
  });
  let onLine = (_: string) => {};
  const seen = createObservation(nonce, expects, (line) => onLine(line));
  const { kernel, memory, network, image, sha256 } = request;
  const initrd = join(scratch.path, `initrd-${nonce}.img`);
  await writeProbedImage({ image, sha256, segment: probe.segment, path: initrd });
  if (options.kept !== undefined) await copyFile(initrd, join(options.kept, 'initrd.img'));
  const record = await createConsoleFile(request.console);
  onLine = (line) => {
    record.write(line);
    options.showLine?.(line);
  };
  const cmdline = createCmdline(architecture, accelerator, [unattended, ...probe.words], words.join(' '));
  await assertRoom(kernel, cmdline);
  const argv = createArguments({
    architecture,
    accelerator,
    version,
    kernel,
    initrd,
    drives,
    memory,
    network,
    cmdline,
    ports: true,
    forwards: listPorts(expects),
  });
  if (handsOver && findArgument(request.cmdline, 'root=') === undefined) log(lacksRoot());
  const { name = image, kernelName = kernel } = request;
  log(`${version}, ${accelerator}, ${memory} MiB: booting ${name} with ${kernelName}`);
  const clock = startGuestClock();
  const terms: Terms = {
    init,
    runlevel: runlevels?.wanted,
    timeout: request.timeout,
    accelerator,
    handsOver,
  };
  const onLook = createStageLog(seen, terms, log);
  const run = { argv: [program, ...argv], expects, scratch, signal, seen, terms, clock, onLook };
  const watched = await watchGuest(run).finally(async () => {
    seen.end(clock.now());
    await record.close();
  });
  const end = architecture === 'riscv64' ? tellPoweroff(watched) : watched;
  const seconds = clock.now();
  if (request.disk === undefined && isProbeMute(seen, terms)) return undefined;
  if (end.kind === 'exited' && end.exit.cause === 'guest-shutdown') seen.expectations.seePoweroff(seconds);
  const judged = judge(seen, end, terms, seconds);
  const attestation = expected && seen.attestation.result(expected);
  if (expected !== undefined && attestation === undefined && judged === undefined)
    throw createUnattestedError(seen.attestation.progress());
  const reason = judged ?? explainAttested(attestation);
  const isPassed = reason === undefined;
  const stages = listStages(seen, {
    init,
    isPassed,
    isUp: wasUp(seen, end, init),
    attestation,
    handsOver,
  });
  const tail = isPassed ? [] : seen.tail().slice(-tailLines);
  return {
    verdict: isPassed ? 'passed' : 'refused',
    reason,
    reached: seen.reached(),
    runlevel: seen.runlevel(),
    accelerator,
    seconds,
    waited: clock.waited(),
    stages,
    endedAt: stages.find(({ state }) => state === 'failed')?.name,
    causes: isPassed
      ? []
      : listCauses({ ...explainEnd(seen, end, handsOver && request.cmdline), stages, tail }),
    attestation,
    survey: seen.survey.result(),
    ...(drives.some(({ isFixed }) => !isFixed) && { disks: showDrives(drives) }),
    expectations: seen.expectations.results(),
    warnings: seen.warnings(),
    console: request.console,
    tail,
  };
}

/** What the causes are told from. `cmdline`: of a guest that has to go over to another root; else false. */
function explainEnd(seen: Observation, end: End, cmdline: string | false) {
  const hasEnded = end.kind === 'exited' || end.kind === 'fault';
  return {
    mentions: seen.mentions,
    handOver: cmdline === false ? undefined : { ...seen.handOver, cmdline, hasEnded },
    lastWords: hasEnded ? findLastWords(seen) : [],
  };
}

/** What systemd says of a failure comes before all that waits for a person. */
function findLastWords(seen: Observation): readonly string[] {
  const failures = seen.fault()?.isMaintenance === true ? seen.failures() : [];
  return failures.length > 0 ? failures : seen.lastWords();
}

/**
 * The program that the command line names, and its words without `rdinit=` where the probe takes its place. A disk has `init=` instead;
 * without that the program is empty, and the kernel's usual names are tried.
 */
function splitCmdline(
  { cmdline, disk }: BootRequest,
  isReplaced: boolean,
): { firstProgram: string; words: string[] } {
  const words = cmdline.split(/\s+/).filter((word) => word !== '');
  return {
    firstProgram:
      disk === undefined
        ? (findArgument(cmdline, 'rdinit=') ?? '/init')
        : (findArgument(cmdline, 'init=') ?? ''),
    words: isReplaced ? words.filter((word) => !word.startsWith('rdinit=')) : words,
  };
}

/** QEMU 7 ends at once where a guest of riscv switches itself off, without an event (hw/misc/sifive_test.c). */
function tellPoweroff(end: End): End {
  if (end.kind !== 'exited' || end.exit.exitCode !== 0 || end.exit.cause !== undefined) return end;
  return { ...end, exit: { ...end.exit, cause: 'guest-shutdown' } };
}
