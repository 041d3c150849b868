import { type Command, InvalidArgumentError } from 'commander';
import type { ScanLimits } from '../../model/limits.js';
import { parseCount } from './options.js';

export interface LimitFlags {
  readonly maxSize?: number;
  readonly maxRatio?: number;
  readonly maxEntries?: number;
}

/** The options that raise the bounds of what is read, for a command that reads an image. */
export function addLimitOptions(command: Command): Command {
  return command
    .option(
      '--max-size <bytes>',
      'what an image may unpack to, like 16G; default: 64G, but no more than 200 times its size beyond 2G',
      parseSize,
    )
    .option('--max-ratio <times>', 'how many times its size an image may unpack to; default: 200', parseCount)
    .option('--max-entries <number>', 'entries that an image may have; default: 1000000', parseCount);
}

/** A size counts whatever the ratio, unless a ratio is given too. */
export function chooseLimits({ maxSize, maxRatio, maxEntries }: LimitFlags): Partial<ScanLimits> {
  return {
    ...(maxSize === undefined ? {} : { unpacked: maxSize }),
    ...(maxSize === undefined || maxRatio !== undefined ? {} : { anyway: maxSize }),
    ...(maxRatio === undefined ? {} : { ratio: maxRatio, anyway: 0 }),
    ...(maxEntries === undefined ? {} : { records: maxEntries, names: 4096 * maxEntries }),
  };
}

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function parseSize(text: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,14})([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const size = Number(digits) * (units[unit.toUpperCase()] ?? 1);
  if (digits === '' || !Number.isSafeInteger(size))
    throw new InvalidArgumentError('wanted a number of bytes, like 500M or 16G');
  return size;
}
