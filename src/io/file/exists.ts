import { lstatSync, type Stats, statSync } from 'node:fs';

// In this thread: another one takes ten times as long to wake up as such a call takes.

/** What is at this path; undefined also where it cannot be looked at, and for a dangling link. */
export function lookAt(path: string | Buffer): Stats | undefined {
  return attempt(() => statSync(path, { throwIfNoEntry: false }));
}

/** The same of the name itself, where it is a link. */
export function lookAtName(path: string | Buffer): Stats | undefined {
  return attempt(() => lstatSync(path, { throwIfNoEntry: false }));
}

function attempt(look: () => Stats | undefined): Stats | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Whether something is at this path; a dangling link counts as nothing. */
export async function exists(path: string): Promise<boolean> {
  return lookAt(path) !== undefined;
}

export async function isFile(path: string): Promise<boolean> {
  return lookAt(path)?.isFile() ?? false;
}
