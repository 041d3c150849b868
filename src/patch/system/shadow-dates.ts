import type { Workspace } from '../../model/workspace.js';
import { readText, writeText } from './workspace-files.js';

const path = 'etc/shadow';

/** The text of the shadow file, to be given to `clampShadow` later. */
export async function readShadow(at: Workspace): Promise<string> {
  return (await readText(at, path)) ?? '';
}

/**
 * busybox adduser writes today's date into /etc/shadow whatever SOURCE_DATE_EPOCH says, so that no
 * two days would give the same bytes. `stamp`: seconds since 1970.
 */
export async function clampShadow(at: Workspace, before: string, stamp: number): Promise<void> {
  const after = await readShadow(at);
  if (after === before) return;
  const clamped = clampDates(before, after, Math.floor(stamp / 86400));
  if (clamped !== after) await writeText(at, path, clamped);
}

/** Brings the date of the last change (days since 1970) back to `day` in lines that are new. */
export function clampDates(before: string, after: string, day: number): string {
  const old = new Set(before.split('\n'));
  const lines = after.split('\n').map((line) => {
    const fields = line.split(':');
    if (old.has(line) || !(Number(fields[2]) > day)) return line;
    return [...fields.slice(0, 2), String(day), ...fields.slice(3)].join(':');
  });
  return lines.join('\n');
}
