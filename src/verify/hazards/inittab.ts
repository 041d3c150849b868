import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/result/hazard.js';
import { detectInitOf } from '../../tree/init-system.js';
import type { Facts } from './facts.js';

export const inittab = 'etc/inittab';

/**
 * The first program that busybox's init starts, and waits for, is not there: nothing of the system comes up, and init itself lives on. What
 * later lines name may be mounted by then.
 */
export function findInittabFault(facts: Facts): Hazard[] {
  if (detectInitOf(facts.image.entries).name !== 'busybox') return [];
  const program = findFirst(facts.text(inittab));
  if (program === undefined) return [];
  const entry = facts.follow(program);
  if (entry !== undefined && (entry.type !== 'file' || (entry.mode & 0o111) !== 0)) return [];
  // An /init that is another program may make it first.
  const isDirect = /(^|\/)busybox[^/]*$/.test(facts.follow('init')?.path ?? '');
  const what = entry === undefined ? 'is not in the image' : 'is not executable';
  return [
    {
      code: 'inittab-program',
      severity: isDirect ? 'fatal' : 'warning',
      path: inittab,
      message: `its first sysinit line starts ${showPath(program)}, which ${what}: busybox's init says "can't run" and starts nothing of the system`,
      hint: `name a program of the image: moby-patch ls IMAGE '${showPath(program).replace(/^.*\//, '**/')}'`,
    },
  ];
}

/** `ID:RUNLEVELS:ACTION:PROCESS`, a dash before the process for a login shell (busybox, init/init.c). */
function findFirst(text: string): string | undefined {
  const [, process = ''] = /^(?!#)[^:\n]*:[^:\n]*:sysinit:(.*)$/m.exec(text) ?? [];
  return /^\s*-?(\/[^\s;&|<>()`$'"]+)/.exec(process)?.[1];
}
