import type { Marker } from '../probe/marker.js';

/** What a first program without an init system has shown of itself. */
export interface Progress {
  readonly printed: boolean;
  /** Seconds of the guest since it has its name. */
  readonly rounds: number;
  readonly children: number;
  readonly mounts: number;
}

export interface ProgressWatch {
  now(): Progress;
  seePrinted(): void;
  seeAlive(marker: Extract<Marker, { readonly kind: 'alive' }>): void;
  /** Another program has taken over: what was shown before is not its own, nor are the mounts that it found. */
  begin(): void;
}

const nothing: Progress = { printed: false, rounds: 0, children: 0, mounts: 0 };

export function createProgressWatch(): ProgressWatch {
  let progress = nothing;
  let inherited: number | undefined = 0;
  return {
    now: () => progress,
    seePrinted() {
      progress = { ...progress, printed: true };
    },
    seeAlive({ rounds, children, mounts }) {
      inherited ??= mounts;
      progress = { ...progress, rounds, children, mounts: mounts - inherited };
    },
    begin() {
      progress = nothing;
      inherited = undefined;
    },
  };
}
