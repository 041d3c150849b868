import { readFileSync, readlinkSync } from 'node:fs';

/** What tells a process from all others, also from one that has its id later, after a reboot or in another container. */
export interface ProcessRecord {
  readonly pid: number;
  /** When the process began, in ticks since boot. This and what follows is empty where /proc does not tell. */
  readonly begun: string;
  /** The id of the boot. */
  readonly boot: string;
  /** The namespace in which the process has its id. */
  readonly namespace: string;
}

/** `unknown`: its id is that of another process namespace. */
export type Presence = 'running' | 'gone' | 'unknown';

export function recordProcess(pid: number = process.pid): ProcessRecord {
  return {
    pid,
    begun: readBegin(pid),
    boot: readText('/proc/sys/kernel/random/boot_id').trim(),
    namespace: readNamespace(),
  };
}

export function findProcess({ pid, begun, boot, namespace }: ProcessRecord): Presence {
  const here = recordProcess();
  if (boot !== '' && boot !== here.boot) return 'gone';
  if (namespace !== '' && namespace !== here.namespace) return 'unknown';
  if (!isRunning(pid)) return 'gone';
  const now = readBegin(pid);
  return begun === '' || now === '' || now === begun ? 'running' : 'gone';
}

/** One line; `parseRecord` reads it. */
export function formatRecord({ pid, begun, boot, namespace }: ProcessRecord): string {
  return [pid, begun, boot, namespace].join(' ');
}

/** Undefined when it is none. */
export function parseRecord(text: string): ProcessRecord | undefined {
  const [, pid, begun = '', boot = '', namespace = ''] =
    /^([1-9]\d{0,9}) (\d*) ([0-9a-f-]*) (\S*)$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), begun, boot, namespace };
}

/** Whether a process with this id exists, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/PID/stat, counted from the end of the command's name, which may contain spaces. */
function readBegin(pid: number): string {
  const text = readText(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
