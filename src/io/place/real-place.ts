import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Where a file is, with links followed as far as there is anything. */
export function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return placeOfOutput(path);
  }
}

/** Where an output takes its name: a link in its place is replaced. */
export function placeOfOutput(path: string): string {
  const whole = resolve(path);
  const folder = dirname(whole);
  return folder === whole ? whole : join(placeOf(folder), basename(whole));
}
