import { createHash } from 'node:crypto';
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Content } from '../../model/patch/workspace.js';
import { createGlob } from '../../tree/glob.js';
import type { PayloadFile } from '../system/step-context.js';

const mostFiles = 20_000;

export interface TreeRequest {
  readonly name: string;
  /** Globs of what is left out; one without a slash matches at any depth. */
  readonly exclude: readonly string[];
}

/** The digest stands for names, kinds, executable bits, targets and contents. */
export type PayloadTree =
  | { readonly files: readonly PayloadFile[]; readonly digest: string }
  | { readonly fault: string };

/** Opens a file by its name in the patch folder. */
type Open = (name: string) => Promise<Content | { readonly fault: string }>;

/**
 * A folder of a patch folder with all that is in it, in the order of names. Symlinks are kept as they are and never followed.
 */
export async function readTree(folder: string, request: TreeRequest, open: Open): Promise<PayloadTree> {
  const listed = await listTree(folder, request);
  if ('fault' in listed) return listed;
  const files: PayloadFile[] = [];
  const hash = createHash('sha256');
  for (const file of listed.files) {
    const content = file.type === 'file' ? await open(join(request.name, file.path)) : undefined;
    if (content !== undefined && 'fault' in content) return content;
    files.push({ ...file, content });
    const { path, type, executable, target } = file;
    hash.update(`${JSON.stringify([path, type, executable, target, content?.sha256])}\n`);
  }
  return { files, digest: hash.digest('hex') };
}

/** The text of a problem with a folder, as far as it shows without its contents. */
export async function checkTree(folder: string, request: TreeRequest): Promise<string | undefined> {
  const listed = await listTree(folder, request);
  return 'fault' in listed ? listed.fault : undefined;
}

type Listed = { readonly files: readonly PayloadFile[] } | { readonly fault: string };

async function listTree(folder: string, { name, exclude }: TreeRequest): Promise<Listed> {
  const start = await openFolder(folder, name);
  if ('fault' in start) return start;
  const globs = exclude.map((glob) => createGlob(glob.includes('/') ? glob : `**/${glob}`));
  const files: PayloadFile[] = [];
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const each of await readdir(join(start.path, path))) {
      const inner = path === '' ? each : `${path}/${each}`;
      if (globs.some((matches) => matches(inner))) continue;
      const file = await readFile(start.path, inner);
      if ('fault' in file)
        return { fault: `found ${file.fault} at ${name}/${inner}, wanted files, folders and links` };
      if (file.type === 'directory') waiting.push(inner);
      files.push(file);
      if (files.length > mostFiles)
        return { fault: `found more than ${mostFiles} files in ${name}, wanted fewer` };
    }
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function openFolder(
  folder: string,
  name: string,
): Promise<{ readonly path: string } | { readonly fault: string }> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(folder, name));
    if (path !== root && !path.startsWith(root.endsWith(sep) ? root : root + sep))
      return {
        fault: `found that ${name} leads out of the patch folder to ${path}, wanted a folder inside it`,
      };
    if ((await stat(path)).isDirectory()) return { path };
    return { fault: `found that ${name} is no folder, wanted one` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return { fault: `found no folder ${name} in the patch folder` };
    if (code === 'ELOOP' || code === 'EACCES')
      return { fault: `found that ${name} cannot be read (${code})` };
    throw error;
  }
}

async function readFile(root: string, path: string): Promise<PayloadFile | { readonly fault: string }> {
  const full = join(root, path);
  if (path.includes('\ufffd')) return { fault: 'a name that is not UTF-8' };
  const found = await lstat(full);
  if (found.isSymbolicLink())
    return { path, type: 'symlink', executable: false, target: await readlink(full) };
  if (found.isDirectory()) return { path, type: 'directory', executable: false };
  if (found.isFile()) return { path, type: 'file', executable: (found.mode & 0o111) !== 0 };
  return { fault: found.isFIFO() ? 'a FIFO' : found.isSocket() ? 'a socket' : 'a device' };
}
