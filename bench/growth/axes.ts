import type { Spent } from '../contender.js';
import type { Shape } from '../generate.js';

export interface Axis {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly points: readonly Point[];
}

export interface Point {
  /** Where it is on the axis. */
  readonly value: number;
  readonly shape: Shape;
  readonly segments: number;
}

export interface Grown {
  readonly value: number;
  readonly inspect: Spent;
  readonly build: Spent;
}

export interface MeasuredAxis extends Pick<Axis, 'id' | 'title' | 'unit'> {
  readonly grown: readonly Grown[];
}

/** `largest`: bytes of the largest image, unpacked. */
export function listAxes(largest: number): readonly Axis[] {
  const steps = (values: readonly number[], shape: (value: number) => Omit<Point, 'value'>) =>
    values.map((value) => ({ value, ...shape(value) }));
  return [
    {
      id: 'bytes',
      title: 'Size: 2,000 files in one segment',
      unit: 'MB unpacked',
      points: steps(
        [10, 40, 160, 640, 1600, 4000].filter((value) => value * 1e6 <= largest),
        (value) => ({ shape: { bytes: value * 1e6, files: 2000, perFolder: 500 }, segments: 1 }),
      ),
    },
    {
      id: 'entries',
      title: 'Entries: files of 256 bytes in one segment',
      unit: 'entries',
      points: steps([100, 1000, 10_000, 50_000, 100_000, 250_000, 500_000], (value) => ({
        shape: { bytes: value * 256, files: value, perFolder: 500 },
        segments: 1,
      })),
    },
    {
      id: 'segments',
      title: 'Segments: 4,000 files of 16 KB',
      unit: 'segments',
      points: steps([1, 4, 16, 80, 250, 1000], (value) => ({
        shape: { bytes: 64e6 / value, files: 4000 / value },
        segments: value,
      })),
    },
  ];
}
