import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeAbandonedOutputs } from '../io/output.js';
import { MobyPatchError } from '../model/error.js';
import { copyAttributes } from './attributes.js';
import { assertSame, examineFile } from './installed-file.js';
import { explainReplaceError } from './replace-error.js';

export interface Replacement {
  /** The file with the new bytes. */
  readonly source: string;
  /** What they must be. */
  readonly sha256: string;
  /** The installed image; a real path. */
  readonly target: string;
  /** Of the target when it was looked at; undefined: there was none. */
  readonly signature: string | undefined;
}

/**
 * Puts new bytes in the place of an installed image, in one step: before the rename the old image is whole,
 * after it the new one, and nothing in between. Owner, mode, extended attributes and access lists stay.
 * Errors say that nothing was changed: `image-changed`, `source-changed`, `replace-refused`, `disk-failed`.
 */
export async function replaceImage(replacement: Replacement, signal: AbortSignal): Promise<void> {
  const { source, sha256, target, signature } = replacement;
  const folder = dirname(target);
  await removeAbandonedOutputs(folder);
  // The name that `removeAbandonedOutputs` knows: a process that was killed leaves nothing for ever.
  const draft = join(
    folder,
    `.${basename(target)}.moby-patch-${process.pid}-${randomBytes(4).toString('hex')}`,
  );
  try {
    await writeDraft(draft, replacement, signal);
    await checkDraft(draft, sha256);
    await assertSame(target, signature);
    signal.throwIfAborted();
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw explainReplaceError(error, target, source);
  }
  await syncFolder(folder).catch((cause) => {
    throw new MobyPatchError(
      'infrastructure',
      'disk-failed',
      `the image was replaced, but may not be after a power failure: ${cause.code} at ${cause.syscall} of its folder`,
      { path: target, hint: 'look at the log of the system; check the disk; moby-patch status', cause },
    );
  });
  await checkInstalled(target, sha256);
}

async function writeDraft(draft: string, replacement: Replacement, signal: AbortSignal): Promise<void> {
  const { source, sha256, target, signature } = replacement;
  const file = await open(draft, 'wx', 0o600);
  try {
    if (signature === undefined) await file.chmod(0o644);
    else await copyAttributes(target, draft, signal);
    // What copies the attributes on macOS copies the old bytes, too.
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
    if (signature !== undefined) await checkOwner(target, draft);
  } finally {
    await file.close();
  }
}

async function copyBytes(source: string, file: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  let at = 0;
  for await (const piece of createReadStream(source, { highWaterMark: 4 << 20 })) {
    signal.throwIfAborted();
    hash.update(piece);
    for (let from = 0; from < piece.length; ) {
      const { bytesWritten } = await file.write(piece, from, piece.length - from, at);
      from += bytesWritten;
      at += bytesWritten;
    }
  }
  return hash.digest('hex');
}

async function checkDraft(draft: string, wanted: string): Promise<void> {
  const found = await examineFile(draft);
  if (found?.sha256 === wanted) return;
  throw new MobyPatchError(
    'infrastructure',
    'disk-failed',
    `wrote a file with the digest ${wanted} and read back ${found?.sha256}; nothing was replaced`,
    { path: draft },
  );
}

async function checkOwner(target: string, draft: string): Promise<void> {
  const [old, now] = [await stat(target), await stat(draft)];
  if (old.uid === now.uid && old.gid === now.gid && old.mode === now.mode) return;
  throw new MobyPatchError(
    'invalid',
    'replace-refused',
    `the new image would belong to ${now.uid}:${now.gid} with the mode ${(now.mode & 0o7777).toString(8)}, the installed one belongs to ${old.uid}:${old.gid}; nothing was replaced`,
    { path: target, hint: 'run it as the owner of the image, or with sudo' },
  );
}

async function checkInstalled(target: string, wanted: string): Promise<void> {
  const found = await examineFile(target);
  if (found?.sha256 === wanted) return;
  throw new MobyPatchError(
    'infrastructure',
    'disk-failed',
    `the image was replaced, but reading it back gave the digest ${found?.sha256}, wanted ${wanted}`,
    { path: target, hint: 'moby-patch restore --force' },
  );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
