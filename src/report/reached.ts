import type { BootResult } from '../model/result/boot.js';

/** What a passed boot reached: `default runlevel reached`. */
export function describeReached({ reached, runlevel, stages }: BootResult): string {
  if (runlevel !== undefined) return `runlevel ${runlevel} reached`;
  if (reached !== 'nothing') return `${reached} reached`;
  return stages.some(({ name, state }) => name === 'power-off' && state === 'reached')
    ? 'it switched itself off'
    : 'it showed what was expected';
}

/** `inittab reached in 6.8 s`. A boot may be watched for longer: for a first program to stay, and for programs to come to rest. */
export function describePassed(boot: BootResult): string {
  const { seconds, stages } = boot;
  const times = stages.flatMap((stage) => (stage.state === 'reached' ? (stage.seconds ?? []) : []));
  const last = times.length === 0 ? seconds : Math.max(...times);
  const show = (time: number) => `${time.toFixed(1)} s`;
  const what = describeReached(boot);
  if (seconds - last < 1) return `${what} in ${show(seconds)}`;
  return `${what} in ${show(last)}, and watched until ${show(seconds)}`;
}
