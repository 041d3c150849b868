import type { BootResult } from '../../../model/result/boot.js';
import type { Marker } from '../probe/marker.js';
import { createProgressWatch, type Progress } from './progress.js';

/** How far the guest says that it has come. */
export interface ReportWatch {
  see(marker: Marker, seconds: number): void;
  seePrinted(): void;
  /** Whether the script of the probe ran at all. */
  hasStarted(): boolean;
  reached(): BootResult['reached'];
  /** When the guest first said so. */
  reachedAt(): number | undefined;
  /** The runlevel that OpenRC has reached, where it is not the usual one. */
  runlevel(): string | undefined;
  /** Another runlevel than the wanted one, in which OpenRC rests. */
  elsewhere(): string | undefined;
  progress(): Progress;
}

export function watchReports(): ReportWatch {
  const progress = createProgressWatch();
  let isHanded = false;
  let reached: BootResult['reached'] = 'nothing';
  let reachedAt: number | undefined;
  let runlevel: string | undefined;
  let elsewhere: string | undefined;
  let hasStarted = false;
  return {
    see(marker, seconds) {
      if (marker.kind !== 'attest' && marker.kind !== 'attested') hasStarted = true;
      if (marker.kind === 'alive') progress.seeAlive(marker);
      if (marker.kind === 'handed' && !isHanded) {
        isHanded = true;
        progress.begin();
      }
      if (marker.kind === 'elsewhere') elsewhere = marker.runlevel;
      if (marker.kind !== 'reached') return;
      reached = marker.what;
      runlevel = marker.runlevel;
      elsewhere = undefined;
      reachedAt ??= seconds;
    },
    seePrinted: progress.seePrinted,
    hasStarted: () => hasStarted,
    reached: () => reached,
    reachedAt: () => reachedAt,
    runlevel: () => runlevel,
    elsewhere: () => elsewhere,
    progress: progress.now,
  };
}
