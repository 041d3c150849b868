import type { Measured } from './contender.js';
import { median } from './median.js';

/** Of the contenders of one row. */
export interface Quantity {
  readonly label: string;
  /** Undefined if a contender that it needs did not run. */
  of(measured: readonly Measured[]): number | undefined;
}

export interface Judgement {
  readonly text: string;
  /** Undefined: there is nothing to judge by. */
  readonly met: boolean | undefined;
}

/** Judges a measured row, whose first contender is ours. */
export type Goal = (measured: readonly Measured[]) => Judgement;

/** Seconds of a contender, the median of its runs. */
export function time(name: string): Quantity {
  return {
    label: name,
    of(measured) {
      const found = find(measured, name);
      return found.missing === undefined ? median(found.seconds) : undefined;
    },
  };
}

/** Seconds of the fastest one of those that ran. */
export function fastest(...names: readonly string[]): Quantity {
  return {
    label: `the fastest of ${names.join(' | ')}`,
    of(measured) {
      const times = names.map((name) => time(name).of(measured)).filter((each) => each !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}

export function sum(...parts: readonly Quantity[]): Quantity {
  return {
    label: parts.map(({ label }) => label).join(' + '),
    of: (measured) =>
      parts.reduce<number | undefined>((total, part) => {
        const value = part.of(measured);
        return total === undefined || value === undefined ? undefined : total + value;
      }, 0),
  };
}

/** Ours takes at most so many times as long. */
export function timeWithin(limit: number, other: Quantity): Goal {
  return judge(`at most ${limit} of the time of ${other.label}`, limit, (measured) =>
    divide(own(measured), other.of(measured)),
  );
}

/** Ours takes at most so many seconds more. */
export function overheadWithin(limit: number, other: Quantity): Goal {
  return judge(`at most ${limit} s more than ${other.label}`, limit, (measured) => {
    const [mine, others] = [own(measured), other.of(measured)];
    return mine === undefined || others === undefined ? undefined : mine - others;
  });
}

/** The output of ours is at most so many times as large as each of those. */
export function sizeWithin(limit: number, ...names: readonly string[]): Goal {
  return judge(`at most ${limit} of the size of ${names.join(' | ')}`, limit, (measured) => {
    const sizes = names.map((name) => find(measured, name).bytes).filter((each) => each !== undefined);
    return sizes.length === 0 ? undefined : divide(measured[0]?.bytes, Math.min(...sizes));
  });
}

export function peakWithin(mebibytes: number): Goal {
  return judge(`a peak of at most ${mebibytes} MiB`, mebibytes, ([ours]) =>
    ours?.missing === undefined ? divide(ours?.peak, 1024) : undefined,
  );
}

function judge(
  text: string,
  limit: number,
  value: (measured: readonly Measured[]) => number | undefined,
): Goal {
  return (measured) => {
    const found = value(measured);
    if (found === undefined) return { text: `${text}: nothing here to compare with`, met: undefined };
    return { text: `${text}: ${found >= 10 ? Math.round(found) : found.toFixed(3)}`, met: found <= limit };
  };
}

function own([ours]: readonly Measured[]): number | undefined {
  return ours === undefined || ours.missing !== undefined ? undefined : median(ours.seconds);
}

function divide(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}

function find(measured: readonly Measured[], name: string): Measured {
  const found = measured.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no contender has the name ${name}`);
  return found;
}
