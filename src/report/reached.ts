import type { BootResult } from '../model/result/boot.js';

/** What a passed boot reached: `default runlevel reached`. */
export function describeReached({ reached, stages }: BootResult): string {
  if (reached !== 'nothing') return `${reached} reached`;
  return stages.some(({ name, state }) => name === 'power-off' && state === 'reached')
    ? 'it switched itself off'
    : 'it showed what was expected';
}
