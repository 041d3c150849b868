import type { SpawnOptions } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';

// Node opens everything close-on-exec, and libuv marks what a process inherited, but only up to the first gap in the
// numbers above 15 (uv_disable_stdio_inheritance). On Linux whatever is not marked goes to every program that we start; on
// macOS libuv asks the kernel to close it.

const O_CLOEXEC = 0o2000000;
const lastMarked = 16;

/** Descriptors that a program started from here would inherit, besides its standard streams. Linux only. */
function findInherited(): number[] {
  const found: number[] = [];
  for (const name of listDescriptors()) {
    const number = Number(name);
    if (number > lastMarked && isInherited(name)) found.push(number);
  }
  return found;
}

/**
 * Closes what the caller of this process had open, except what an argument names (`/dev/fd/63`): files of the caller are
 * nobody's business here. For a program; a library does not own the descriptors of its process.
 */
export function closeInherited(argv: readonly string[]): void {
  const named = new Set(
    argv.flatMap((text) => [...text.matchAll(/\/fd\/(\d+)/g)].map(([, digits]) => Number(digits))),
  );
  for (const number of findInherited()) if (!named.has(number)) closeSync(number);
}

/**
 * Starts a program that gets /dev/null in place of each descriptor that it would inherit. `start` gets the streams to
 * start it with.
 */
export function withoutInherited<T>(
  stdio: SpawnOptions['stdio'],
  start: (stdio: SpawnOptions['stdio']) => T,
): T {
  const inherited = findInherited();
  if (inherited.length === 0 || !Array.isArray(stdio)) return start(stdio);
  const nothing = openSync('/dev/null', 'r');
  try {
    const streams = [...stdio];
    for (const number of inherited) {
      while (streams.length < number) streams.push('ignore');
      streams[number] = nothing;
    }
    return start(streams);
  } finally {
    closeSync(nothing);
  }
}

function listDescriptors(): string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}

function isInherited(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // The descriptor of the listing itself is closed by now.
    return false;
  }
}
