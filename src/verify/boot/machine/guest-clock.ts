import { readdirSync, readFileSync } from 'node:fs';

/** Times of a guest, in seconds since it was started. */
export interface GuestClock {
  /** Without what it waited for a processor: a busy machine stops this clock. */
  now(): number;
  /** For how long it waited. */
  waited(): number;
  /** The process of the guest, once it is known. */
  follow(pid: number): void;
}

/** Milliseconds between two looks: each reads a file for every thread. */
const interval = 200;

export function startGuestClock(): GuestClock {
  const start = performance.now();
  let folder: string | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let waited = 0;
  const look = () => {
    const time = performance.now();
    if (folder === undefined || time - looked < interval) return;
    looked = time;
    waited = Math.max(waited, readDelay(folder));
  };
  return {
    now() {
      look();
      return Math.max(0, (performance.now() - start) / 1000 - waited);
    },
    waited: () => waited,
    follow(pid) {
      folder = `/proc/${pid}/task`;
    },
  };
}

/**
 * Seconds for which a thread of the process was ready to run and did not (Documentation/scheduler/sched-stats.rst): those of
 * the thread that waited most, which is the processor of the guest. 0 where the kernel does not tell.
 */
function readDelay(folder: string): number {
  try {
    const delays = readdirSync(folder).map((thread) => {
      const [, delay = 0] = readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ').map(Number);
      return delay;
    });
    return Math.max(0, ...delays) / 1e9;
  } catch {
    return 0;
  }
}
