import { MobyPatchError } from '../../../model/error/error.js';
import type { GuestExit } from '../machine/guest.js';
import type { DiskFault } from '../machine/monitor.js';
import type { Init } from '../probe/detect-init.js';
import { usualRunlevel } from '../probe/runlevels.js';
import { explainUnmet } from './expectations.js';
import { type Observation, promptDelay } from './observation.js';
import { createUnfitError } from './unfit-disk.js';

/**
 * Why the wait for a guest ended. `idle`: its first program shows nothing of what it does. `stranded`: an initramfs has given up
 * its root.
 */
export type End =
  | { readonly kind: 'settled' | 'fault' | 'grace' | 'timeout' | 'idle' | 'starved' | 'stranded' }
  | { readonly kind: 'exited'; readonly exit: GuestExit };

export interface Terms {
  readonly init: Init;
  /** Of OpenRC, in which the boot is to end; default: its default one. */
  readonly runlevel?: string | undefined;
  /** Seconds of the guest's time that the boot may take. */
  readonly timeout: number;
  readonly accelerator: 'kvm' | 'tcg';
  /** Whether the image has to go over to another root. */
  readonly handsOver?: boolean | undefined;
}

/** Seconds, all of the guest's time. */
const limits = {
  /** After a text that refuses the boot, for the lines that explain it. */
  aftermath: 2,
  /** After a text with which a kernel ends: as long as a guest that lives would be silent. */
  suspicion: 10,
  /** The same after an initramfs says that it has not found its root; each line that is new begins it again. */
  stranded: 10,
  /** For an expectation, after the init system has reported; each line that is new begins it again. */
  system: 10,
  /** The same after a first program without an init system: the boot goes on. */
  program: 30,
  /** For programs to come to rest, where they are to be compared. */
  survey: 60,
  /** The last part of the limit: who prints something new in it is not stuck. */
  talking: 20,
};

/** Seconds for which a first program without an init system has to run, where something else tells that it works or not. */
const stays = { told: 3, untold: 20, idle: 30 };

type Proof = 'none' | 'some' | 'whole';

/** What the guest has shown of its system being up. */
export function weighProof(seen: Observation, init: Init): Proof {
  // Nobody asks this guest, and what its kernel printed says nothing of its programs.
  if (init === 'none') return seen.expectations.hasTold() || seen.progress().printed ? 'whole' : 'none';
  const reached = seen.reached();
  if (reached === 'nothing') return 'none';
  if (reached !== 'init') return 'whole';
  const { printed, rounds, children, mounts } = seen.progress();
  if (hasRootTold(seen)) return rounds >= stays.told ? 'whole' : 'some';
  const works = printed || children > 0 || mounts > 0;
  return works && rounds >= stays.untold ? 'whole' : 'some';
}

/** What an initramfs printed says nothing of the program that it went over to. */
function hasRootTold({ expectations, handOver }: Observation): boolean {
  return expectations.hasTold(handOver.done()?.at);
}

/**
 * Whether the system was up, for the stages and for the reason alike. A first program without an init system counts as up when it has
 * stayed, or when the wait ended for something else that it did not show.
 */
export function wasUp(seen: Observation, end: End, init: Init): boolean {
  if (seen.reached() === 'nothing') return false;
  if (seen.reached() !== 'init' || weighProof(seen, init) === 'whole') return true;
  const isWaiting = end.kind === 'grace' || end.kind === 'timeout';
  return isWaiting && !seen.expectations.areMet();
}

/** Whether the guest has shown all that was wanted: only a comparison may still wait. */
export function hasShownAll(seen: Observation, init: Init): boolean {
  if (seen.fault() !== undefined || seen.suspicion() !== undefined) return false;
  return weighProof(seen, init) === 'whole' && seen.expectations.areMet();
}

/** Whether the wait ends at the second `now`; if not, the second at which time alone may end it. */
export function decideEnd(seen: Observation, terms: Terms, now: number): End | number {
  const { init, timeout } = terms;
  const { expectations } = seen;
  if (expectations.fault() !== undefined) return { kind: 'settled' };
  const fault = seen.fault();
  const suspicion = seen.suspicion();
  const proof = weighProof(seen, init);
  if (hasShownAll(seen, init)) {
    const rest = Math.min(Math.max(findRest(seen), findStay(seen, init)), timeout);
    return now < rest ? rest : { kind: 'settled' };
  }
  const deadlines = [
    { kind: 'fault' as const, at: fault && fault.at + limits.aftermath },
    { kind: 'fault' as const, at: suspicion && suspicion.at + limits.suspicion },
    { kind: 'stranded' as const, at: findStranded(seen, terms) },
    { kind: 'grace' as const, at: findGrace(seen, proof) },
    { kind: 'timeout' as const, at: timeout },
  ].map(({ kind, at }) => ({ kind, at: at ?? Number.POSITIVE_INFINITY }));
  if (isIdle(seen)) return { kind: 'idle' };
  const due = deadlines.find(({ at }) => now >= at);
  if (due !== undefined) return { kind: due.kind };
  const prompt = seen.lastHeard() + promptDelay;
  return Math.min(...deadlines.map(({ at }) => at), ...(prompt > now ? [prompt] : []));
}

function findStranded(seen: Observation, { handsOver = false }: Terms): number | undefined {
  const at = handsOver ? seen.handOver.stranded()?.at : undefined;
  return at === undefined ? undefined : Math.max(at, seen.lastNews()) + limits.stranded;
}

/** The second until which a guest may come to rest, where its programs are to be compared. */
function findRest(seen: Observation): number {
  return seen.survey.result()?.settled === false ? (seen.reachedAt() ?? 0) + limits.survey : 0;
}

/** The second until which a program that nobody asks has to live on: its line may be its last. */
function findStay(seen: Observation, init: Init): number {
  const started = seen.milestones().started?.at;
  return init === 'none' && started !== undefined ? started + stays.told : 0;
}

function isIdle(seen: Observation): boolean {
  const { printed, rounds, children, mounts } = seen.progress();
  if (seen.reached() !== 'init' || printed || children > 0 || mounts > 0) return false;
  return rounds >= stays.idle && !hasRootTold(seen);
}

/** Until when unmet expectations are waited for; undefined before the system is up and where the guest ends by itself. */
function findGrace(seen: Observation, proof: Proof): number | undefined {
  const reachedAt = seen.reachedAt();
  if (reachedAt === undefined || proof === 'none' || seen.expectations.wantsPoweroff()) return undefined;
  const grace = seen.reached() === 'init' ? limits.program : limits.system;
  const news = Math.max(reachedAt, seen.lastNews());
  // Not yet: it has to run for some time first.
  if (proof === 'some' && seen.expectations.areMet()) return undefined;
  return Math.max(news + grace, seen.expectations.latest(), seen.expectations.staying());
}

/**
 * The reason to refuse the boot, in one sentence; undefined for a boot that passed. Errors (`infrastructure`) where
 * the image is not at fault: `machine-fault`, `qemu-failed`, `boot-too-slow`. `seconds`: how long the guest ran.
 */
export function judge(seen: Observation, end: End, terms: Terms, seconds: number): string | undefined {
  const { expectations } = seen;
  const slow = expectations.fault();
  if (slow !== undefined) throw slow;
  const fault = seen.fault() ?? (isOver(end) ? seen.suspicion() : undefined);
  if (fault?.rule.fault === 'machine')
    throw new MobyPatchError('infrastructure', 'machine-fault', `${fault.rule.reason} (${fault.line})`, {
      hint: fault.rule.hint,
    });
  if (fault !== undefined) {
    const { line, rule } = fault;
    return `${rule.reason}${line === rule.reason ? '' : ` ("${line}")`}; ${rule.hint}`;
  }
  if (end.kind === 'exited') return judgeExit(seen, end.exit, terms, seconds);
  if (end.kind === 'settled') return undefined;
  if (end.kind === 'stranded') return explainStranded(seen, terms, 'and waits for a person');
  if (isTooSlow(seen, end, terms)) throw createSlowError(seen, end, terms);
  return explainUnfinished(seen, end, terms, seconds);
}

/** Whether the first program was the probe's, and its shell did not run: what the image's own would do is not known. */
export function isProbeMute(seen: Observation, { init }: Terms): boolean {
  const fault = seen.fault() ?? seen.suspicion();
  if (init !== 'other' || seen.hasStarted() || fault === undefined) return false;
  return fault.rule.neverRan === true || /Attempted to kill init/.test(fault.line);
}

/** Whether nothing more comes of the guest. */
function isOver(end: End): boolean {
  if (end.kind === 'exited') return end.exit.cause !== 'guest-shutdown';
  return end.kind === 'fault' || end.kind === 'timeout';
}

function judgeExit(seen: Observation, exit: GuestExit, terms: Terms, seconds: number): string | undefined {
  const { expectations } = seen;
  if (exit.exitCode !== 0 || exit.signal !== null || exit.cause === 'host') throw createQemuError(exit);
  if (isCompared(seen, terms)) return undefined;
  const unmet = explainUnmet(expectations.results());
  const after = `after ${seconds.toFixed(1)} s`;
  const ended = exit.cause === 'guest-reset' ? 'restarted itself' : 'ended';
  const stranded = explainStranded(seen, terms, `and the guest ${ended} ${after}`);
  if (stranded !== undefined) return stranded;
  const when = `${after}${describeGoal(seen, { kind: 'exited', exit }, terms)}`;
  if (exit.cause === 'guest-reset') return `the guest restarted itself ${when}`;
  if (expectations.wantsPoweroff())
    return unmet === undefined ? undefined : `the guest switched itself off ${after}; ${unmet}`;
  const told = expectations.results().filter(({ expectation }) => !('no-failed-services' in expectation));
  const isThere = terms.handsOver !== true || seen.handOver.done() !== undefined;
  const isTold = isThere && hasRootTold(seen) && told.every(({ met }) => met);
  if (isTold && terms.init !== 'openrc') return undefined;
  const missing = unmet === undefined || told.length === 0 ? '' : `; ${unmet}`;
  if (exit.cause === undefined) return `the guest ended ${when}${missing}`;
  return `the guest switched itself off ${when}${missing}; if that is its purpose, expect it: poweroff: true (--expect-poweroff)`;
}

/** Whether only a comparison went on: without it the boot had ended before, and had passed. */
function isCompared(seen: Observation, { init }: Terms): boolean {
  return seen.survey.result() !== undefined && hasShownAll(seen, init);
}

function explainStranded(seen: Observation, { handsOver = false }: Terms, then: string): string | undefined {
  const said = handsOver ? seen.handOver.stranded() : undefined;
  return said && `the initramfs has not found its root: it says "${said.line}" ${then}`;
}

function describeGoal(seen: Observation, end: End, terms: Terms): string {
  const { init, handsOver = false } = terms;
  if (wasUp(seen, end, init)) return ', although it was up';
  if (seen.milestones().started === undefined) return ', before its first program ran';
  if (handsOver && seen.handOver.done() === undefined) return ', before it went over to another root';
  // Nothing asks whether its system is up.
  if (init === 'none') return '';
  return init === 'openrc' ? `, before ${nameGoal(terms)}` : ', before its system was up';
}

function nameGoal({ init, runlevel = usualRunlevel }: Terms): string {
  if (init !== 'openrc') return 'a running system';
  return `the end of the ${runlevel === usualRunlevel ? 'default runlevel' : `runlevel ${runlevel}`}`;
}

/** Whether the emulated guest was still making progress when its time was over. */
function isTooSlow(seen: Observation, end: End, { timeout, accelerator }: Terms): boolean {
  if (end.kind === 'starved') return true;
  if (accelerator !== 'tcg') return false;
  if (onlyLate(seen)) return true;
  return end.kind === 'timeout' && seen.lastNews() > timeout - Math.min(limits.talking, timeout / 3);
}

/** Whether everything was shown, but not soon enough. */
function onlyLate(seen: Observation): boolean {
  const unmet = seen.expectations.results().filter(({ met }) => !met);
  return unmet.length > 0 && unmet.every(({ late }) => late === true);
}

function createSlowError(seen: Observation, end: End, { timeout, accelerator }: Terms): MobyPatchError {
  const last = seen.lastLine() ?? 'nothing';
  const unmet = onlyLate(seen) ? explainUnmet(seen.expectations.results()) : undefined;
  const what =
    unmet ??
    (end.kind === 'starved'
      ? 'this machine gave the guest a fraction of its time'
      : `after ${timeout} s the guest was still making progress (last line "${last}")`);
  const how = accelerator === 'tcg' ? 'emulated here' : 'run here';
  const message = `too slow to tell, ${how}: ${what}`;
  return new MobyPatchError('infrastructure', 'boot-too-slow', message, {
    hint: 'give it more time (--timeout SECONDS), or verify on a machine with KVM',
  });
}

function explainUnfinished(seen: Observation, end: End, terms: Terms, seconds: number): string {
  const { init, timeout } = terms;
  const within = end.kind === 'timeout' ? `, within ${timeout} s` : '';
  if (end.kind === 'idle')
    return `the first program runs for ${stays.idle} s and shows nothing of what it does: it printed nothing, started nothing and mounted nothing; expect something of it`;
  const unmet = explainUnmet(seen.expectations.results());
  const isUp = init === 'none' || wasUp(seen, end, init);
  if (isUp && unmet !== undefined) return `${unmet}${within}`;
  if (init === 'none')
    return `no program of the image has shown anything${within}: the kernel itself printed what was expected`;
  if (terms.handsOver === true && seen.handOver.done() === undefined)
    return `the initramfs did not go over to another root within ${timeout} s; ${explainSilence(seen, seconds)}`;
  const goal = `the guest did not report ${nameGoal(terms)} within ${timeout} s`;
  const elsewhere = seen.elsewhere();
  if (elsewhere !== undefined)
    return `${goal}: OpenRC is in its runlevel ${elsewhere}; if that is meant, say so: --cmdline softlevel=${elsewhere}`;
  return `${goal}; ${explainSilence(seen, seconds)}`;
}

function explainSilence(seen: Observation, seconds: number): string {
  const last = seen.lastLine();
  if (last === undefined)
    return 'its console printed nothing at all: the command line may name another console than ttyS0';
  const quiet = Math.round(seconds - seen.lastHeard());
  const stale = Math.round(seconds - seen.lastNews());
  const how = quiet < 5 && stale >= 10 ? `nothing new for ${stale} s` : `silent for ${quiet} s`;
  const silent = `${how}, last line "${last}"`;
  // The kernel opens /dev/console for process 1; a regular file there swallows all output without an error.
  const started = seen.tail().findLastIndex((line) => /Run \S+ as init process/.test(line));
  const after = seen.tail().slice(started + 1);
  if (started >= 0 && after.every((line) => /^\[ *\d+\.\d+\]/.test(line)))
    return `${silent}: not one line of the first program; look for a regular file with moby-patch ls -l IMAGE dev/console`;
  return silent;
}

function createQemuError(exit: GuestExit): MobyPatchError {
  const { diskFault, message: said } = exit;
  if (diskFault !== undefined) return createDiskError(diskFault);
  if (/Failed to get (shared )?"[\w ]+" lock/.test(said))
    return new MobyPatchError(
      'infrastructure',
      'disk-in-use',
      'another program has the disk open to write to it',
      {
        path: /using the image \[(.+)\]/.exec(said)?.[1],
        hint: 'end the virtual machine that has it, or give a copy',
      },
    );
  const unfit = createUnfitError(said);
  if (unfit !== undefined) return unfit;
  const message = exit.message.split('\n').at(-1) || 'it gave no message';
  return new MobyPatchError('infrastructure', 'qemu-failed', `QEMU ended ${describeExit(exit)}: ${message}`, {
    hint: exit.signal === 'SIGKILL' ? 'the usual cause is a lack of memory' : 'moby-patch doctor',
  });
}

function createDiskError({ operation, isFull, reason }: DiskFault): MobyPatchError {
  return isFull
    ? new MobyPatchError(
        'infrastructure',
        'disk-full',
        'no space is left for what the guest writes to its disks',
        {
          hint: 'free some space, or set TMPDIR to a folder on a larger disk',
        },
      )
    : new MobyPatchError('infrastructure', 'disk-failed', `QEMU could not ${operation} a disk: ${reason}`, {
        hint: 'qemu-img check FILE says whether a qcow2 disk is damaged',
      });
}

function describeExit({ cause, exitCode, signal }: GuestExit): string {
  if (signal !== null) return `by ${signal}`;
  return cause === 'host' ? 'at the request of this machine' : `with exit code ${exitCode}`;
}
