export type RescueMode = 'emergency' | 'rescue';

/** As systemd takes them (runlevel_to_target in src/shared). */
const modes: ReadonlyMap<string, RescueMode> = new Map([
  ['emergency', 'emergency'],
  ['-b', 'emergency'],
  ['systemd.unit=emergency.target', 'emergency'],
  ['rescue', 'rescue'],
  ['single', 'rescue'],
  ['-s', 'rescue'],
  ['s', 'rescue'],
  ['S', 'rescue'],
  ['1', 'rescue'],
  ['systemd.unit=rescue.target', 'rescue'],
]);

/** What waits for a person, where a command line asks systemd for it. */
export function findRescue(cmdline: string): RescueMode | undefined {
  return modes.get(cmdline.split(/\s+/).findLast((word) => modes.has(word)) ?? '');
}
