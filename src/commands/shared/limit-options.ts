import { type Command, InvalidArgumentError } from 'commander';
import type { ScanLimits } from '../../model/limits.js';
import { parseCount } from './options.js';

/** The commands that read an image: all others have nothing to limit. */
const readers = new Set([
  'build',
  'plan',
  'inspect',
  'ls',
  'cat',
  'diff',
  'unpack',
  'repack',
  'verify',
  'status',
  'apply',
  'reapply',
  'watch',
]);

interface LimitFlags {
  readonly maxSize?: number;
  readonly maxRatio?: number;
  readonly maxEntries?: number;
}

/** The options that raise what is believed of an image, for every command that reads one; `set` gets them. */
export function addLimitOptions(
  commands: readonly Command[],
  set: (limits: Partial<ScanLimits>) => void,
): void {
  for (const command of commands.filter((one) => readers.has(one.name()))) {
    command
      .option(
        '--max-size <bytes>',
        'what an image may unpack to, like 16G; default: 64G, but no more than 200 times its size beyond 2G',
        parseSize,
      )
      .option(
        '--max-ratio <times>',
        'how many times its size an image may unpack to; default: 200',
        parseCount,
      )
      .option('--max-entries <number>', 'entries that an image may have; default: 1000000', parseCount)
      .hook('preAction', () => set(chooseLimits(command.opts())));
  }
}

/** Who names a size means it, whatever the ratio. */
function chooseLimits({ maxSize, maxRatio, maxEntries }: LimitFlags): Partial<ScanLimits> {
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
