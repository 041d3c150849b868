import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the name of a temporary folder begins with; the id of its process follows. */
export const scratchPrefix = 'moby-patch-';

/** The temporary folders that this process has left; synchronous, for a process that is about to end. */
export function listOwnScratch(parent: string = tmpdir()): string[] {
  try {
    const names = readdirSync(parent).filter((name) => name.startsWith(`${scratchPrefix}${process.pid}-`));
    return names.map((name) => join(parent, name));
  } catch {
    return [];
  }
}
