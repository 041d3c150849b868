import type { Entry } from '../../model/entry.js';
import type { StepOutcome } from '../../model/patch.js';
import type { Put, Workspace } from '../../model/workspace.js';

export const unchanged: StepOutcome = { changed: false };

/** Puts a file unless the very same is there already. */
export async function putIfDifferent(at: Workspace, file: Put): Promise<StepOutcome> {
  const old = await at.stat(file.path);
  if (old && (await isSame(old, file))) return unchanged;
  await at.put(file);
  return { changed: true };
}

const defaultModes = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

async function isSame(old: Entry, file: Put): Promise<boolean> {
  if (old.type !== file.type || old.uid !== (file.uid ?? 0) || old.gid !== (file.gid ?? 0)) return false;
  // No system reads the mode of a symlink, and archives differ in what they write there.
  if (file.type === 'symlink') return old.target === file.target;
  if (old.mode !== (file.mode ?? defaultModes[file.type])) return false;
  if (file.type === 'directory') return true;
  const content = file.content ?? new Uint8Array();
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

/** The whole body of an entry. */
export async function collectBody(entry: Entry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.body()) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** The text of a file, or undefined when there is none or when it is not UTF-8. */
export async function readText(at: Workspace, path: string): Promise<string | undefined> {
  const entry = await at.follow(path);
  if (entry?.type !== 'file') return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await at.read(path));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * Writes a text over an existing file: mode and owner stay, and so does a symlink that leads to it.
 * Where nothing is, a file of root with mode 0644 comes to be.
 */
export async function writeText(at: Workspace, path: string, text: string): Promise<void> {
  const entry = await at.follow(path);
  await at.put({
    path: entry?.path ?? path,
    type: 'file',
    mode: entry?.mode,
    uid: entry?.uid,
    gid: entry?.gid,
    content: new TextEncoder().encode(text),
  });
}
