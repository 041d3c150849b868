import { MobyPatchError } from '../../model/error.js';
import type { Init } from './detect-init.js';
import { explainUnmet } from './expectations.js';
import type { GuestExit } from './guest.js';
import type { Observation } from './observation.js';

/** Why a guest was no longer waited for. */
export type End =
  | { readonly kind: 'settled' | 'fault' | 'grace' | 'timeout' }
  | { readonly kind: 'exited'; readonly exit: GuestExit };

/** The reason for a refusal in one sentence, undefined for a boot that passed; throws what is no fault of the image. */
export function judge(
  seen: Observation,
  end: End,
  init: Init,
  timeout: number,
  seconds: number,
): string | undefined {
  const fault = seen.fault();
  if (fault?.rule.fault === 'machine')
    throw new MobyPatchError('infrastructure', 'machine-fault', `${fault.rule.reason} (${fault.line})`, {
      hint: fault.rule.hint,
    });
  if (fault !== undefined) return `${fault.rule.reason} ("${fault.line}"); ${fault.rule.hint}`;
  if (end.kind === 'exited' && (end.exit.exitCode !== 0 || end.exit.signal !== null))
    throw createQemuError(end.exit);

  const unmet = explainUnmet(seen.expectations.results());
  if (seen.reached() !== 'nothing' || init === 'none') {
    if (end.kind === 'settled') return undefined;
    if (unmet !== undefined) return `${unmet}${end.kind === 'timeout' ? `, within ${timeout} s` : ''}`;
  }
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
    hint: exit.signal === 'SIGKILL' ? 'the usual cause is memory that ran out' : 'moby-patch doctor',
  });
}
