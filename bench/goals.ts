import { type Measured, median } from './measure.js';

/** Judges a measured row, whose first contender is ours. */
export type Goal = (measured: readonly Measured[]) => { readonly text: string; readonly met: boolean };

function pick(measured: readonly Measured[], name: string): Measured {
  const contender = measured.find((each) => each.name === name);
  if (contender === undefined) throw new Error(`no contender has the name ${name}`);
  return contender;
}

export function timeOf(name: string, most: number): Goal {
  return (measured) => {
    const [ours] = measured;
    const ratio = median(ours?.seconds ?? []) / median(pick(measured, name).seconds);
    return { text: `at most ${most} of the time of ${name}: ${ratio.toFixed(3)}`, met: ratio <= most };
  };
}

export function sizeOf(name: string, most: number): Goal {
  return (measured) => {
    const ratio = (measured[0]?.bytes ?? Number.NaN) / (pick(measured, name).bytes ?? Number.NaN);
    return { text: `at most ${most} of the size of ${name}: ${ratio.toFixed(4)}`, met: ratio <= most };
  };
}

export function peakBelow(mebibytes: number): Goal {
  return (measured) => {
    const peak = (measured[0]?.peak ?? Number.NaN) / 1024;
    return { text: `a peak below ${mebibytes} MiB: ${Math.round(peak)} MiB`, met: peak < mebibytes };
  };
}

/** Ours takes at most this many seconds more than the other one. */
export function overheadOver(name: string, seconds: number): Goal {
  return (measured) => {
    const over = median(measured[0]?.seconds ?? []) - median(pick(measured, name).seconds);
    return { text: `at most ${seconds} s more than ${name}: ${over.toFixed(2)} s`, met: over <= seconds };
  };
}
