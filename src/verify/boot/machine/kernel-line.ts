/** Who wrote a line of the console, as far as its form tells. */
export type Origin = 'kernel' | 'logged' | 'program';

export interface ConsoleLine {
  /** Without the priority in front of the kernel's time. */
  readonly text: string;
  readonly origin: Origin;
  /** What stands behind the kernel's time, also where the kernel wrote into the line of a program. */
  readonly message?: string | undefined;
}

// The command line of the guest has console_msg_format=syslog (Linux 4.16): `<6>[    1.234567] text`. The number is
// facility * 8 + level. /dev/kmsg makes facility 0, the kernel's, into 1 (devkmsg_write in kernel/printk/printk.c): no
// program can log a line as the kernel's. `[ T1]`: CONFIG_PRINTK_CALLER. A serial port of a busy machine loses a digit,
// or the point.
const stamp = /(?:<(\d{1,3})>\[ *\d+\.?\d{4,6}\]|\[ *\d+\.\d{4,6}\])(?:\[ *[TC]\d+\])? ?/;

// What a kernel prints before it has a log: its decompressor, and early_printk in arch/x86.
const early =
  /^(early console in |Decompressing Linux|Parsing ELF|Performing relocations|Booting the kernel|Probing EDD|(\w+ )?KASLR )/;

/** Reads a line without terminal escapes. */
export function parseConsoleLine(line: string): ConsoleLine {
  const found = stamp.exec(line);
  if (found === null) return { text: line, origin: early.test(line) ? 'kernel' : 'program' };
  const [whole, priority] = found;
  const bare = priority === undefined ? 0 : priority.length + 2;
  const text = line.slice(0, found.index) + line.slice(found.index + bare);
  const isLogged = priority !== undefined && Number(priority) >= 8;
  const message = line.slice(found.index + whole.length);
  if (isLogged) return { text, origin: 'logged' };
  return { text, origin: found.index === 0 ? 'kernel' : 'program', message };
}
