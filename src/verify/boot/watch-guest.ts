import type { Scratch } from '../../io/place/scratch.js';
import type { Expectation } from '../../model/result/expectation.js';
import type { Observation } from './judge/observation.js';
import { decideEnd, type End, hasShownAll, type Terms } from './judge/verdict.js';
import { type Guest, startGuest } from './machine/guest.js';
import type { GuestClock } from './machine/guest-clock.js';
import { checkPorts } from './port-checks.js';

export interface GuestRun {
  readonly argv: readonly string[];
  readonly expects: readonly Expectation[];
  /** Records the guest, which outlives a killed process where the kernel does not end it. */
  readonly scratch: Scratch;
  readonly signal: AbortSignal;
  readonly seen: Observation;
  readonly terms: Terms;
  readonly clock: GuestClock;
  /** Called after each look at the guest. */
  readonly onLook: () => void;
}

/** Times the limit: a guest that waits longer for the processors of this machine tells nothing. */
const mostWaiting = 4;

/** Runs a guest until nothing more is to be learned from it. */
export async function watchGuest(run: GuestRun): Promise<End> {
  const { argv, seen, clock, signal } = run;
  let onNews = () => {};
  await using guest = startGuest(argv, signal, {
    onConsole(chunk) {
      seen.push(chunk, clock.now());
      onNews();
    },
    onProbe(chunk) {
      seen.pushProbe(chunk, clock.now());
      onNews();
    },
    folder: run.scratch.path,
  });
  if (guest.pid !== undefined) {
    run.scratch.own(guest.pid);
    clock.follow(guest.pid);
  }
  const ports = new AbortController();
  let hasPorts = false;
  try {
    return await waitForEnd(guest, run, (listener) => {
      onNews = () => {
        listener();
        if (hasPorts || seen.reached() === 'nothing') return;
        hasPorts = true;
        const options = { now: clock.now, signal: ports.signal, onNews: () => listener() };
        void checkPorts(guest, run.expects, seen, options).catch(() => {});
      };
    });
  } finally {
    ports.abort();
  }
}

function waitForEnd(
  guest: Guest,
  { seen, terms, clock, onLook }: GuestRun,
  listen: (listener: () => void) => void,
): Promise<End> {
  return new Promise<End>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let immediate: NodeJS.Immediate | undefined;
    const unschedule = () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
    const stop = () => {
      unschedule();
      listen(() => {});
    };
    const look = () => {
      unschedule();
      const now = clock.now();
      seen.rest(now);
      onLook();
      const isStarved = clock.waited() > mostWaiting * terms.timeout;
      const end = isStarved ? createStarved(seen, terms) : decideEnd(seen, terms, now);
      if (typeof end === 'number') {
        // The clock of the guest may be slower than ours. Node runs timers before it reads: when this process was late, what the
        // guest printed in time is still unread (https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick).
        const afterReading = () => {
          immediate = setImmediate(look);
        };
        timer = setTimeout(afterReading, Math.max(10, (end - now) * 1000));
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

function createStarved(seen: Observation, { init }: Terms): End {
  return { kind: hasShownAll(seen, init) ? 'settled' : 'starved' };
}
