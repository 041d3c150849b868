import { type Expectation, kindOf } from '../../model/result/expectation.js';
import type { WrittenExpectation } from './expectation-schema.js';

/** With numbers for durations and sizes. */
export function normaliseExpectation(written: WrittenExpectation): Expectation {
  const { within: limit, ...rest } = written as WrittenExpectation & { readonly within?: number | string };
  const timed = limit === undefined ? {} : { within: readNumber(limit) };
  const expectation = { ...rest, ...timed } as unknown as Expectation;
  if (kindOf(expectation) !== 'memory-below' || !('memory-below' in written)) return expectation;
  return { ...expectation, 'memory-below': readNumber(written['memory-below']) } as Expectation;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, M: 1, MiB: 1, G: 1024, GiB: 1024 };

function readNumber(value: number | string): number {
  if (typeof value === 'number') return value;
  const [, digits = '', unit = ''] = /^(\d+)(\D+)$/.exec(value) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}
