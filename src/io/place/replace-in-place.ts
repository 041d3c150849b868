import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import { assertSame, examineFile } from '../file/examine-file.js';
import { streamRegular } from '../file/regular-file.js';
import { runProcess } from '../process/process.js';
import { settleAccess } from './access.js';
import { readAccess } from './access-list.js';
import { createPrivateFolder, removeAbandoned } from './scratch.js';
import { syncFolder } from './sync-folder.js';

export interface Replacement {
  /** The file with the new bytes. */
  readonly source: string;
  /** Hex digest that the new bytes must have. */
  readonly sha256: string;
  /** The file that is replaced; a real path. */
  readonly target: string;
  /** The signature of the target when it was examined; undefined: it did not exist. */
  readonly signature: string | undefined;
  /** What messages call the target: `image`, `file`. */
  readonly what: string;
  /** The command that says what is there now, and the one that puts the old bytes back. */
  readonly recovery?: { readonly look: string; readonly undo: string } | undefined;
}

/**
 * Replaces a file in one step: before the rename the old one is whole, after it the new one, and no
 * other state exists. Owner, mode, extended attributes and access lists stay. The errors `image-changed`,
 * `source-changed`, `attributes-lost` and `replace-refused` mean that nothing was changed; `disk-failed` says
 * whether the file was replaced.
 */
export async function replaceInPlace(replacement: Replacement, signal: AbortSignal): Promise<void> {
  const { sha256, target, signature, what, recovery } = replacement;
  const folder = dirname(target);
  // What a killed process left is removed by the next one.
  await removeAbandoned(folder, 'output');
  try {
    await using scratch = await createPrivateFolder(folder, 'output');
    const draft = join(scratch.path, 'draft');
    await writeDraft(draft, replacement, signal);
    await checkDraft(draft, sha256);
    await assertSame(target, signature);
    signal.throwIfAborted();
    await rename(draft, target);
  } catch (error) {
    throw explainSystemError(error, replacement);
  }
  await syncFolder(folder).catch((cause) => {
    throw new MobyPatchError(
      'infrastructure',
      'disk-failed',
      `the ${what} was replaced, but may not be after a power failure: ${cause.code} at ${cause.syscall} of its folder`,
      {
        path: target,
        hint: ['look at the log of the system; check the disk', recovery?.look].filter(Boolean).join('; '),
        cause,
      },
    );
  });
  await checkInstalled(replacement);
}

async function writeDraft(draft: string, replacement: Replacement, signal: AbortSignal): Promise<void> {
  const { source, sha256, target, signature } = replacement;
  const file = await open(draft, 'wx', 0o600);
  // Not `await using`: where both a write and close() fail (NFS), it would hide the error of the system.
  try {
    if (signature === undefined)
      await settleAccess(file, { inputs: [await readAccess(source)], destination: target });
    else await copyAttributes(replacement, draft, signal);
    // On macOS, `cp -p` copies the old bytes besides the attributes.
    await file.truncate(0);
    const written = await copyBytes(source, file, signal);
    if (written !== sha256)
      throw new MobyPatchError(
        'failed',
        'source-changed',
        `found the digest ${written}, wanted ${sha256}: these are not the bytes that were checked; nothing was replaced`,
        { path: source },
      );
    await file.sync();
    if (signature !== undefined) await checkOwner(replacement, draft);
  } finally {
    await file.close();
  }
}

/** Seconds; on macOS `cp` copies the whole file. */
const copyTimeout = 300;

/**
 * Gives a file the owner, mode, access list and extended attributes of another one. Node has no call for extended
 * attributes, so `cp` does it: that of coreutils without the data, that of macOS with the data.
 */
async function copyAttributes({ target, what }: Replacement, to: string, signal: AbortSignal): Promise<void> {
  const options =
    process.platform === 'linux' ? ['--attributes-only', '--preserve=mode,ownership,xattr'] : ['-p'];
  const { exitCode, output } = await runProcess(['cp', ...options, target, to], {
    signal,
    timeout: copyTimeout,
    package: 'coreutils',
  });
  if (exitCode === 0) return;
  throw new MobyPatchError(
    'failed',
    'attributes-lost',
    `the attributes of the old ${what} cannot be kept: ${output.trim()}; nothing was replaced`,
    { path: target },
  );
}

async function copyBytes(source: string, file: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  let position = 0;
  for await (const piece of streamRegular(source)) {
    signal.throwIfAborted();
    hash.update(piece);
    for (let from = 0; from < piece.length; ) {
      const { bytesWritten } = await file.write(piece, from, piece.length - from, position);
      from += bytesWritten;
      position += bytesWritten;
    }
  }
  return hash.digest('hex');
}

async function checkOwner({ target, what }: Replacement, draft: string): Promise<void> {
  const [old, now] = [await stat(target), await stat(draft)];
  if (old.uid === now.uid && old.gid === now.gid && old.mode === now.mode) return;
  throw new MobyPatchError(
    'invalid',
    'replace-refused',
    `the new ${what} would belong to ${now.uid}:${now.gid} with the mode ${(now.mode & 0o7777).toString(8)}, the old one belongs to ${old.uid}:${old.gid}; nothing was replaced`,
    { path: target, hint: `run it as the owner of the ${what}, or with sudo` },
  );
}

async function checkDraft(draft: string, wanted: string): Promise<void> {
  const written = await examineFile(draft);
  if (written?.sha256 === wanted) return;
  throw new MobyPatchError(
    'infrastructure',
    'disk-failed',
    `wrote a file with the digest ${wanted} and read back ${written?.sha256}; nothing was replaced`,
    { path: draft },
  );
}

async function checkInstalled({ target, sha256: wanted, what, recovery }: Replacement): Promise<void> {
  const installed = await examineFile(target);
  if (installed?.sha256 === wanted) return;
  throw new MobyPatchError(
    'infrastructure',
    'disk-failed',
    `the ${what} was replaced, but reading it back gave the digest ${installed?.sha256}, wanted ${wanted}`,
    { path: target, hint: recovery?.undo ?? 'check the disk' },
  );
}

interface Reason {
  readonly kind: 'infrastructure' | 'invalid';
  readonly code: 'disk-failed' | 'replace-refused';
  readonly text: string;
  readonly hint: string;
}

/** What an error of the system means when a file is replaced, and what the user can do about it. */
const reasons: Readonly<Record<string, Reason>> = {
  ENOSPC: createFault('the disk is full: it needs room beside the old one', 'make room on it'),
  EDQUOT: createFault('the quota is used up', 'make room'),
  EIO: createFault('the disk does not work', 'look at the log of the system; check the disk'),
  ENOENT: createRefusal('its folder is not there', 'create the folder first'),
  EROFS: createRefusal('the volume is mounted read-only', 'mount it with write access'),
  EACCES: createRefusal('no right to write in its folder', 'run it as the owner of the folder, or with sudo'),
  // Besides plain rights: `chattr +i`, `chflags uchg`, and what macOS protects (SIP, App Management).
  EPERM: createRefusal(
    'the system protects the file',
    'macOS: allow the terminal under Privacy & Security, App Management, and clear `chflags nouchg`; Linux: lsattr',
  ),
  EBUSY: createRefusal('the file is a mount point', 'unmount it first'),
};

/** Puts an error of the system into words; returns any other error as it is. */
function explainSystemError(
  error: unknown,
  { source, target }: Pick<Replacement, 'source' | 'target'>,
): unknown {
  const { code = '', syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof MobyPatchError || syscall === undefined) return error;
  const reason =
    reasons[code] ?? createFault(`the system says ${code}`, 'look at the disk and the log of the system');
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
