import { MobyPatchError } from '../model/error.js';

interface Reason {
  readonly kind: 'infrastructure' | 'invalid';
  readonly code: 'disk-failed' | 'replace-refused';
  readonly text: string;
  readonly hint: string;
}

/** What the system answers to an attempt to replace a file, and what can be done about it. */
const reasons: Readonly<Record<string, Reason>> = {
  ENOSPC: createFault('the disk is full: the new image needs room beside the old one', 'make room on it'),
  EDQUOT: createFault('the quota is used up', 'make room'),
  EIO: createFault('the disk does not work', 'look at the log of the system; check the disk'),
  EROFS: createRefusal('the volume is mounted read-only', 'mount it with write access'),
  EACCES: createRefusal('no right to write in its folder', 'run it as the owner of the folder, or with sudo'),
  // Besides plain rights: `chattr +i`, `chflags uchg`, and what macOS protects (SIP, App Management).
  EPERM: createRefusal(
    'the system protects the file',
    'macOS: allow the terminal under Privacy & Security, App Management, and clear `chflags nouchg`; Linux: lsattr',
  ),
  EBUSY: createRefusal('the file is a mount point', 'unmount it first'),
};

/** Our own errors stay; those of the system get words; nothing was changed in either case. */
export function explainReplaceError(error: unknown, target: string, source: string): unknown {
  const { code = '', syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof MobyPatchError || syscall === undefined) return error;
  const reason = reasons[code] ?? createFault(`the system says ${code}`, 'see the message');
  return new MobyPatchError(
    reason.kind,
    reason.code,
    `cannot replace it: ${reason.text} (${code} at ${syscall}); nothing was replaced`,
    { path: path === source ? source : target, hint: reason.hint, cause: error },
  );
}

function createFault(text: string, hint: string): Reason {
  return { kind: 'infrastructure', code: 'disk-failed', text, hint };
}

function createRefusal(text: string, hint: string): Reason {
  return { kind: 'invalid', code: 'replace-refused', text, hint };
}
