import type { Entry } from '../../../model/image/entry.js';
import type { At } from '../init/init-system.js';
import { findFile, readText } from '../workspace-files.js';
import type { SlimPart } from './parts.js';

/** What was taken out. */
export interface RemovedPart {
  readonly files: number;
  /** Of the bodies; a file with several names counts once. */
  readonly bytes: number;
}

export interface RemovalOptions extends At {
  /** Whether the user wants to keep a path. */
  readonly keeps: (path: string) => boolean;
}

interface Removal extends RemovalOptions {
  readonly takes: (path: string) => Promise<boolean>;
  readonly keepsFolders: boolean;
  readonly found: Entry[];
}

export async function removePart(part: SlimPart, options: RemovalOptions): Promise<RemovedPart> {
  const { workspace } = options;
  const languages = part.isByLanguage ? await listLanguages(options) : [];
  const takes = async (path: string) => {
    if (!part.takes.test(path) || part.spares?.test(path) || options.keeps(path)) return false;
    if (languages.some((language) => path.includes(`/${language}/`))) return false;
    return part.wants === undefined || (await workspace.follow(part.wants(path)))?.type === 'file';
  };
  const removal = { ...options, takes, keepsFolders: part.keepsFolders ?? false, found: [] as Entry[] };
  for (const folder of part.folders) await removeBelow(folder, removal);
  return countRemoved(removal.found);
}

/** A whole folder, but what the user keeps. */
export async function removeFolder(folder: string, options: RemovalOptions): Promise<RemovedPart> {
  const takes = async (path: string) => !options.keeps(path);
  const removal = { ...options, takes, keepsFolders: false, found: [] as Entry[] };
  if (await removeBelow(folder, removal)) await options.workspace.remove(folder);
  return countRemoved(removal.found);
}

/** Whether the folder is empty now. No symlink is followed. */
async function removeBelow(folder: string, removal: Removal): Promise<boolean> {
  const { workspace, context, takes, keepsFolders, found } = removal;
  context.signal?.throwIfAborted();
  if ((await workspace.stat(folder))?.type !== 'directory') return false;
  const names = await workspace.list(folder);
  let left = names.length;
  for (const name of names) {
    const path = `${folder}/${name}`;
    const entry = await workspace.stat(path);
    if (entry === undefined) continue;
    if (entry.type === 'directory') {
      const before = found.length;
      const isEmptied = (await removeBelow(path, removal)) && found.length > before;
      if (!isEmptied || keepsFolders) continue;
    } else if ((entry.type === 'file' || entry.type === 'symlink') && (await takes(path))) found.push(entry);
    else continue;
    await workspace.remove(path);
    left -= 1;
  }
  return left === 0;
}

function countRemoved(found: readonly Entry[]): RemovedPart {
  const bodies = new Map(
    found.map((entry) => [entry.link ?? entry.path, entry.type === 'file' ? entry.size : 0]),
  );
  return { files: found.length, bytes: [...bodies.values()].reduce((sum, size) => sum + size, 0) };
}

/** Folders of usr/share/locale that the locale of the image reads: `de_DE` and `de` of `LANG=de_DE.UTF-8`. */
async function listLanguages({ workspace }: At): Promise<string[]> {
  const texts = await Promise.all(
    ['etc/default/locale', 'etc/locale.conf'].map((path) => readText(workspace, path)),
  );
  const written = texts
    .join('\n')
    .matchAll(/^[ \t]*(?:export\s+)?(?:LANG|LANGUAGE|LC_\w+)=["']?([\w.@:-]+)/gm);
  const names = [...written].flatMap(([, value = '']) => value.split(':'));
  return names.flatMap((name) => [name, name.replace(/[.@].*$/, ''), name.replace(/[_.@].*$/, '')]);
}

const compilers = ['cc', 'gcc', 'clang', 'tcc', 'ld', 'go', 'rustc', 'ghc', 'ocamlc', 'ocamlfind'];

/** The compiler or linker of the image. */
export function findCompiler({ workspace }: At): Promise<string | undefined> {
  const folders = ['usr/bin', 'usr/local/bin', 'bin'];
  return findFile(
    workspace,
    folders.flatMap((folder) => compilers.map((name) => `${folder}/${name}`)),
  );
}
