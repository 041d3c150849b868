/** What busybox init does without /etc/inittab (parse_inittab of its init/init.c). */
export const usualTable = `::sysinit:/etc/init.d/rcS
::askfirst:/bin/sh
tty2::askfirst:/bin/sh
tty3::askfirst:/bin/sh
tty4::askfirst:/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/sbin/swapoff -a
::shutdown:/bin/umount -a -r
::restart:/sbin/init
`;

interface TableLine {
  readonly action: string;
  readonly process: string;
}

export function parseLine(line: string): TableLine | undefined {
  if (/^\s*#/.test(line)) return undefined;
  const [, action, process] = /^[^:]*:[^:]*:([a-z]+):(.*)$/.exec(line.trim()) ?? [];
  return action === undefined || process === undefined ? undefined : { action, process: process.trim() };
}

interface Addition {
  readonly action: 'sysinit' | 'wait';
  /** A script of etc/init.d. */
  readonly name: string;
  /** Whether a script must be started before another one. */
  readonly isEarlier: (name: string, other: string) => boolean;
}

/**
 * Adds the start of a script. init goes through all lines of an action in their order: sysinit first, then wait, then the
 * others. Lines of scripts of the same action change places where their headers want it; all other lines stay.
 */
export function addLine(text: string, { action, name, isEarlier }: Addition): string {
  const lines = text.split('\n');
  const parsed = lines.map(parseLine);
  if (parsed.some((line) => runsScript(line?.process ?? '', name))) return text;
  const last = parsed.findLastIndex((line) => line?.action === action || line?.action === 'sysinit');
  const at = last >= 0 ? last + 1 : Math.max(0, lines.length - 1);
  lines.splice(at, 0, `::${action}:/etc/init.d/${name} start`);
  const slots = lines.flatMap((line, index) => {
    const { action: other, process = '' } = parseLine(line) ?? {};
    const script = /^\/etc\/init\.d\/(\S+) start$/.exec(process)?.[1];
    return other === action && script !== undefined ? [{ index, line, script }] : [];
  });
  const sorted = sortStable(slots, (one, other) => isEarlier(one.script, other.script));
  for (const [position, { index }] of slots.entries()) lines[index] = sorted[position]?.line ?? '';
  return lines.join('\n');
}

/** Takes the first item that need not wait for another one; in a circle simply the first. */
function sortStable<Item>(items: readonly Item[], isEarlier: (one: Item, other: Item) => boolean): Item[] {
  const left = [...items];
  const sorted: Item[] = [];
  while (left.length > 0) {
    const free = left.findIndex((item) => !left.some((other) => other !== item && isEarlier(other, item)));
    sorted.push(...left.splice(Math.max(0, free), 1));
  }
  return sorted;
}

export function removeLines(text: string, name: string): string {
  const lines = text.split('\n').filter((line) => !runsScript(parseLine(line)?.process ?? '', name));
  return lines.join('\n');
}

/** Whether a process is a script of etc/init.d of this name. */
export function runsScript(process: string, name: string): boolean {
  return process.split(/\s+/)[0] === `/etc/init.d/${name}`;
}
