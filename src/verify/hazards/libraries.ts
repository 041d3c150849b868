import { type Elf, isElf, parseElf } from '../../format/kind/elf.js';
import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/result/hazard.js';
import type { Facts } from './facts.js';

/** The result of following a program to everything that it loads. */
export interface Trace {
  readonly hazards: readonly Hazard[];
  /** Files whose bodies have to be read before the trace can go on. */
  readonly wanted: readonly string[];
}

const standardFolders = ['lib', 'usr/lib', 'lib64', 'usr/lib64', 'usr/local/lib', 'lib32', 'usr/lib32'];
// A closure of libraries: systemd's own has about 40.
const mostLibraries = 1000;
/** Folders of the configuration: each of them is looked into for each library. */
const mostFolders = 100;

/** Files that name further library folders: glibc's and musl's. */
export function listLoaderFiles(facts: Facts): string[] {
  const musl = facts.list('etc').filter((path) => /^etc\/ld-musl-.*\.path$/.test(path));
  return ['etc/ld.so.conf', ...facts.list('etc/ld.so.conf.d'), ...musl];
}

/** Follows an ELF program to its loader and its libraries. A file that is no ELF file has no hazards. */
export function traceProgram(facts: Facts, program: string): Trace {
  const folders = listFolders(facts);
  const seen = new Set<string>();
  const wanted: string[] = [];
  const hazards: Hazard[] = [];
  // A loader goes breadth first and looks a name up once: one library's own folder serves those after it.
  const loaded = new Set<string>();
  const pending = [program];
  for (const path of pending) {
    const file = facts.follow(path)?.path ?? path;
    if (seen.has(file)) continue;
    if (seen.size === mostLibraries) break;
    seen.add(file);
    const body = facts.body(file);
    if (body === undefined) wanted.push(file);
    const elf = body !== undefined && isElf(body) ? parseElf(body) : undefined;
    if (elf === undefined) continue;
    const loader = path === program ? findLoader(facts, program, elf) : [];
    const needed = [...loader, ...findLibraries(facts, { elf, file, folders, loaded })];
    pending.push(...needed.filter((each) => typeof each === 'string'));
    hazards.push(...needed.filter((each) => typeof each !== 'string'));
  }
  return { hazards, wanted };
}

/** The path of the loader, or the hazard that it is missing. */
function findLoader(facts: Facts, program: string, { interpreter }: Elf): (string | Hazard)[] {
  if (interpreter === undefined) return [];
  return [isFile(facts, interpreter) ? interpreter : createLoaderHazard(program, interpreter)];
}

interface LoaderState {
  readonly elf: Elf;
  readonly file: string;
  readonly folders: readonly string[];
  /** Names that were found; the new ones are added. */
  readonly loaded: Set<string>;
}

/** The paths of the libraries that a file needs, or the hazards that they are missing. */
function findLibraries(facts: Facts, { elf, file, folders, loaded }: LoaderState): (string | Hazard)[] {
  const needed: (string | Hazard)[] = [];
  for (const name of elf.needed) {
    if (loaded.has(name)) continue;
    const library = findLibrary(facts, elf, file, name, folders);
    if (library !== undefined) {
      loaded.add(name);
      needed.push(library);
    } else if (elf.interpreter === undefined || isFile(facts, elf.interpreter))
      needed.push(createLibraryHazard(file, name));
  }
  return needed;
}

function findLibrary(
  facts: Facts,
  elf: Elf,
  user: string,
  name: string,
  folders: readonly string[],
): string | undefined {
  if (name.includes('/')) return isFile(facts, name) ? name : undefined;
  const origin = user.slice(0, Math.max(0, user.lastIndexOf('/')));
  const own = elf.folders.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, `/${origin}`));
  return [...own, ...folders].map((folder) => `${folder}/${name}`).find((path) => isFile(facts, path));
}

/** The folders of the configuration, then those built into the loaders, with Debian's folders by architecture. */
function listFolders(facts: Facts): string[] {
  const configured = listLoaderFiles(facts)
    .flatMap((path) => facts.text(path).split(/[\n:,\s]+/))
    .filter((word) => word.startsWith('/') && !word.includes('*'))
    .slice(0, mostFolders);
  const byArchitecture = standardFolders
    .flatMap((folder) => facts.list(folder))
    .filter((path) => /-linux-[^/]+$/.test(path) && facts.follow(path)?.type === 'directory');
  return [...configured, ...byArchitecture, ...standardFolders];
}

function isFile(facts: Facts, path: string): boolean {
  return facts.follow(path)?.type === 'file';
}

function createLoaderHazard(program: string, interpreter: string): Hazard {
  return {
    code: 'loader-missing',
    severity: 'fatal',
    path: interpreter.replace(/^\/+/, ''),
    message: `${showPath(program)} is run by ${showPath(interpreter)}, which the image does not have: a kernel says "not found" of the program itself`,
    hint: 'add the libc package that brings it, or use a statically linked program',
  };
}

function createLibraryHazard(user: string, name: string): Hazard {
  return {
    code: 'library-missing',
    severity: 'fatal',
    path: name,
    message: `${showPath(user)}, which the first program needs, loads ${showPath(name)}, and no library folder of the image has it`,
    hint: 'add the package that brings the library',
  };
}
