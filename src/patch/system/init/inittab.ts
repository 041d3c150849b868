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
  readonly process: string;
  /** Lines with one of these words in their process stay behind it. */
  readonly before: readonly string[];
}

/** init goes through all lines of an action in their order: sysinit first, then wait, then the others. */
export function addLine(text: string, { action, process, before }: Addition): string {
  const lines = text.split('\n');
  const parsed = lines.map(parseLine);
  if (parsed.some((line) => line?.process === process)) return text;
  const isBehind = (line: TableLine | undefined) =>
    line?.action === action && before.some((name) => runsScript(line.process, name));
  const first = parsed.findIndex(isBehind);
  const last = parsed.findLastIndex((line) => line?.action === action || line?.action === 'sysinit');
  const at = first >= 0 ? first : last >= 0 ? last + 1 : Math.max(0, lines.length - 1);
  return [...lines.slice(0, at), `::${action}:${process}`, ...lines.slice(at)].join('\n');
}

export function removeLines(text: string, name: string): string {
  const lines = text.split('\n').filter((line) => !runsScript(parseLine(line)?.process ?? '', name));
  return lines.join('\n');
}

/** Whether a process is a script of etc/init.d of this name. */
export function runsScript(process: string, name: string): boolean {
  return process.split(/\s+/)[0] === `/etc/init.d/${name}`;
}
