import { MobyPatchError } from '../../model/error.js';
import type { Init } from './detect-init.js';
import { explainUnmet } from './expectations.js';
import type { GuestExit } from './guest.js';
import { type Observation, promptDelay } from './observation.js';

/** Why the wait for a guest ended. */
export type End =
  | { readonly kind: 'settled' | 'fault' | 'grace' | 'timeout' }
  | { readonly kind: 'exited'; readonly exit: GuestExit };

export interface Terms {
  readonly init: Init;
  /** Seconds that the boot may take. */
  readonly timeout: number;
}

/** Seconds that an expectation may still take after the guest's report; after that of `init` the boot goes on. */
const grace: Record<Init, number> = { openrc: 5, other: 30, none: 0 };

/** Seconds after a text that refuses the boot, for the lines that explain it. */
const aftermath = 2;

/** Whether the wait ends at the second `now`; if not, the second at which time alone may end it. */
export function decideEnd(seen: Observation, { init, timeout }: Terms, now: number): End | number {
  if (seen.expectations.fault() !== undefined) return { kind: 'settled' };
  const fault = seen.fault();
  const reachedAt = seen.reachedAt();
  const hasReported = seen.reached() !== 'nothing' || init === 'none';
  if (fault === undefined && hasReported && seen.expectations.areMet()) return { kind: 'settled' };
  const deadlines = [
    { kind: 'fault' as const, at: fault === undefined ? Number.POSITIVE_INFINITY : fault.at + aftermath },
    {
      kind: 'grace' as const,
      at: reachedAt === undefined ? Number.POSITIVE_INFINITY : reachedAt + grace[init],
    },
    { kind: 'timeout' as const, at: timeout },
  ];
  const due = deadlines.find(({ at }) => now >= at);
  if (due !== undefined) return { kind: due.kind };
  const prompt = seen.lastHeard() + promptDelay;
  return Math.min(...deadlines.map(({ at }) => at), ...(prompt > now ? [prompt] : []));
}

/**
 * The reason to refuse the boot, in one sentence; undefined for a boot that passed. Errors (`infrastructure`) where
 * the image is not at fault: `machine-fault`, `qemu-failed`. `seconds`: how long the guest ran.
 */
export function judge(seen: Observation, end: End, terms: Terms, seconds: number): string | undefined {
  const slow = seen.expectations.fault();
  if (slow !== undefined) throw slow;
  const fault = seen.fault();
  if (fault?.rule.fault === 'machine')
    throw new MobyPatchError('infrastructure', 'machine-fault', `${fault.rule.reason} (${fault.line})`, {
      hint: fault.rule.hint,
    });
  if (fault !== undefined) return `${fault.rule.reason} ("${fault.line}"); ${fault.rule.hint}`;
  if (end.kind === 'exited' && (end.exit.exitCode !== 0 || end.exit.signal !== null))
    throw createQemuError(end.exit);
  if (end.kind === 'settled') return undefined;
  return explainUnfinished(seen, end, terms, seconds);
}

function explainUnfinished(
  seen: Observation,
  end: End,
  { init, timeout }: Terms,
  seconds: number,
): string | undefined {
  const unmet = explainUnmet(seen.expectations.results());
  const hasReported = seen.reached() !== 'nothing' || init === 'none';
  if (hasReported && unmet !== undefined)
    return `${unmet}${end.kind === 'timeout' ? `, within ${timeout} s` : ''}`;
  const goal = init === 'openrc' ? 'the end of the default runlevel' : 'a running first program';
  if (end.kind === 'exited') return `the guest ended by itself after ${seconds.toFixed(1)} s, before ${goal}`;
  return `the guest did not report ${goal} within ${timeout} s; ${explainSilence(seen, seconds)}`;
}

function explainSilence(seen: Observation, seconds: number): string {
  const last = seen.tail().at(-1);
  if (last === undefined)
    return 'its console printed nothing at all: the command line may name another console than ttyS0';
  const silent = `silent since ${Math.round(seconds - seen.lastHeard())} s, last line "${last}"`;
  // The kernel opens /dev/console for process 1; a regular file there swallows all output without an error.
  const started = seen.tail().findLastIndex((line) => /Run \S+ as init process/.test(line));
  const after = seen.tail().slice(started + 1);
  if (started >= 0 && after.every((line) => /^\[ *\d+\.\d+\]/.test(line)))
    return `${silent}: not one line of the first program; look for a regular file with moby-patch ls -l IMAGE dev/console`;
  return silent;
}

function createQemuError(exit: GuestExit): MobyPatchError {
  const how = exit.signal === null ? `with exit code ${exit.exitCode}` : `by ${exit.signal}`;
  const message = exit.message.split('\n').at(-1) || 'it gave no message';
  return new MobyPatchError('infrastructure', 'qemu-failed', `QEMU ended ${how}: ${message}`, {
    hint: exit.signal === 'SIGKILL' ? 'the usual cause is a lack of memory' : 'moby-patch doctor',
  });
}
