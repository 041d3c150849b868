import { digestBody } from '../../io/digest.js';
import type { Entry } from '../../model/image/entry.js';
import type { StepOutcome } from '../../model/patch/patch.js';
import type { Put, Workspace } from '../../model/patch/workspace.js';

export const unchanged: StepOutcome = { changed: false };

/** Puts a file unless the workspace has the same one already. */
export async function putIfDifferent(workspace: Workspace, file: Put): Promise<StepOutcome> {
  const old = await workspace.stat(file.path);
  if (old && (await isSame(old, file))) return unchanged;
  await workspace.put(file);
  return { changed: true };
}

/** The first of these paths that leads to a file. */
export async function findFile(workspace: Workspace, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await workspace.follow(path))?.type === 'file') return path;
  return undefined;
}

export async function isAnyFile(workspace: Workspace, paths: readonly string[]): Promise<boolean> {
  return (await findFile(workspace, paths)) !== undefined;
}

const defaultModes = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

async function isSame(old: Entry, file: Put): Promise<boolean> {
  if (old.type !== file.type || old.uid !== (file.uid ?? 0) || old.gid !== (file.gid ?? 0)) return false;
  // No system reads the mode of a symlink, and archives differ in what they write there.
  if (file.type === 'symlink') return old.target === file.target;
  if (old.mode !== (file.mode ?? defaultModes[file.type])) return false;
  if (file.type === 'directory') return true;
  const content = file.content ?? new Uint8Array();
  if (!(content instanceof Uint8Array))
    return old.size === content.size && (await digestBody(old)) === content.sha256;
  return old.size === content.length && (await hasContent(old, content));
}

async function hasContent(entry: Entry, content: Uint8Array): Promise<boolean> {
  let position = 0;
  for await (const chunk of entry.body()) {
    if (Buffer.compare(chunk, content.subarray(position, position + chunk.length)) !== 0) return false;
    position += chunk.length;
  }
  return position === content.length;
}

/** The text of a file; undefined when there is no file, or when it is not UTF-8. */
export async function readText(workspace: Workspace, path: string): Promise<string | undefined> {
  const entry = await workspace.follow(path);
  if (entry?.type !== 'file') return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await workspace.read(path));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * Overwrites a file: its mode and owner stay, and so does a symlink that leads to it. A file that does not exist is
 * created with owner root and mode 0644.
 */
export async function writeText(workspace: Workspace, path: string, text: string): Promise<void> {
  const entry = await workspace.follow(path);
  await workspace.put({
    path: entry?.path ?? path,
    type: 'file',
    mode: entry?.mode,
    uid: entry?.uid,
    gid: entry?.gid,
    content: new TextEncoder().encode(text),
  });
}

/** For a message: `nothing`, `a file`, `a symlink to /usr/lib`. */
export function describeEntry(entry: Entry | undefined): string {
  if (entry === undefined) return 'nothing';
  return entry.target ? `a symlink to ${entry.target}` : `a ${entry.type}`;
}
