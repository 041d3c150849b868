import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Entry } from '#src/model/image/entry.js';
import type { Put, RunResult, Workspace } from '#src/model/patch/workspace.js';

/**
 * A workspace in a folder, whose commands run with chroot: just enough of an engine for a package manager. `restore`
 * copies from `pristine`, an untouched copy. Symlinks in parents are not followed, except relative ones, which the
 * host's kernel follows inside the folder.
 */
export function createDirectoryWorkspace(root: string, pristine: string): Workspace {
  const at = (path: string) => join(root, path);
  const workspace: Workspace = {
    stat: (path) => readEntry(root, path),
    async follow(path) {
      let entry = await readEntry(root, path);
      for (let depth = 0; entry?.type === 'symlink' && depth < 10; depth += 1) {
        const target = entry.target ?? '';
        const next = target.startsWith('/') ? target : join('/', dirname(entry.path), target);
        entry = await readEntry(root, next.replace(/^\/+/, ''));
      }
      return entry;
    },
    list: async (path) => (await readdir(at(path)).catch(() => [])).sort(),
    read: async (path) => readFile(at((await workspace.follow(path))?.path ?? path)),
    async put(file) {
      await mkdir(dirname(at(file.path)), { recursive: true });
      await putEntry(at(file.path), file);
    },
    async remove(path) {
      const found = await readEntry(root, path);
      await rm(at(path), { recursive: true, force: true });
      return found !== undefined;
    },
    async restore(path) {
      await rm(at(path), { recursive: true, force: true });
      if (await readEntry(pristine, path)) await runProgram(['cp', '-a', join(pristine, path), at(path)], {});
    },
    run: (argv, options) => runProgram([...enter, 'sh', root, ...argv], { ...options?.environment }),
    bootconfig: () => undefined,
    putBootconfig: () => {},
    changes: async () => [],
    warnings: () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  return workspace;
}

// A user namespace where we are not root; a mount and a process namespace in any case.
const namespace = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
];
const enter = [
  ...namespace,
  'sh',
  '-ec',
  'mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; exec chroot "$@"',
];

/** Whether this machine allows chroot. */
export async function canEnterRoots(): Promise<boolean> {
  const result = await runProgram([...namespace, 'chroot', '/', 'true'], {}).catch(() => undefined);
  return result?.exitCode === 0;
}

export async function runProgram(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exitCode, output: out + err };
}

async function putEntry(path: string, file: Put): Promise<void> {
  const old = await lstat(path).catch(() => undefined);
  const kept = file.content === undefined && old?.isFile() ? await readFile(path) : undefined;
  if (old && !(old.isDirectory() && file.type === 'directory')) await rm(path);
  if (file.type === 'symlink') await symlink(file.target ?? '', path);
  else if (file.type === 'file') await writeFile(path, kept ?? (await readContent(file.content)));
  else await mkdir(path, { recursive: true });
  if (file.type !== 'symlink') await chmod(path, file.mode ?? (file.type === 'file' ? 0o644 : 0o755));
  if (process.getuid?.() === 0) await lchown(path, file.uid ?? 0, file.gid ?? 0);
}

async function readContent(content: Put['content'] = new Uint8Array()): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const pieces: Uint8Array[] = [];
  for await (const piece of content.body()) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function readEntry(root: string, path: string): Promise<Entry | undefined> {
  const full = join(root, path);
  const stat = await lstat(full).catch(() => undefined);
  if (!stat) return undefined;
  const type = stat.isSymbolicLink() ? 'symlink' : stat.isDirectory() ? 'directory' : 'file';
  return {
    path,
    type,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtime: Math.floor(stat.mtimeMs / 1000),
    size: type === 'directory' ? 0 : stat.size,
    target: type === 'symlink' ? await readlink(full) : undefined,
    async *body() {
      if (type === 'file') yield await readFile(full);
    },
  };
}
