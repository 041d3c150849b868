import { type Elf, isElf, parseElf } from '../../format/elf.js';
import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/hazard.js';
import type { Facts } from './facts.js';

/** What came out of following a program to all that it loads. */
export interface Trace {
  readonly hazards: readonly Hazard[];
  /** Files whose bodies have to be read before more can be said. */
  readonly wanted: readonly string[];
}

const standardFolders = ['lib', 'usr/lib', 'lib64', 'usr/lib64', 'usr/local/lib', 'lib32', 'usr/lib32'];
// A closure of libraries: systemd's own has about 40.
const mostLibraries = 1000;

/** Files that name further folders of libraries: glibc's and musl's. */
export function listLoaderFiles(facts: Facts): string[] {
  const musl = facts.list('etc').filter((path) => /^etc\/ld-musl-.*\.path$/.test(path));
  return ['etc/ld.so.conf', ...facts.list('etc/ld.so.conf.d'), ...musl];
}

/** An ELF program, its loader and its libraries; nothing is said of a file that is no ELF. */
export function traceProgram(facts: Facts, program: string): Trace {
  const hazards: Hazard[] = [];
  const wanted: string[] = [];
  const folders = listFolders(facts);
  const seen = new Set<string>();
  // A loader goes breadth first and looks for a name once: one library's own folder serves those after it.
  const known = new Set<string>();
  const pending = [program];
  for (let path = pending.shift(); path !== undefined && seen.size < mostLibraries; path = pending.shift()) {
    const at = facts.follow(path)?.path ?? path;
    if (seen.has(at)) continue;
    seen.add(at);
    const body = facts.body(at);
    if (body === undefined) {
      wanted.push(at);
      continue;
    }
    const elf = isElf(body) ? parseElf(body) : undefined;
    if (elf === undefined) continue;
    if (path === program && elf.interpreter !== undefined) {
      if (isFile(facts, elf.interpreter)) pending.push(elf.interpreter);
      else hazards.push(createLoaderHazard(program, elf.interpreter));
    }
    for (const name of elf.needed) {
      if (known.has(name)) continue;
      const found = findLibrary(facts, elf, at, name, folders);
      if (found !== undefined) {
        known.add(name);
        pending.push(found);
      } else if (elf.interpreter === undefined || isFile(facts, elf.interpreter))
        hazards.push(createLibraryHazard(at, name));
    }
  }
  return { hazards, wanted };
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

/** What the configuration names, then what the loaders have built in, Debian's folders by architecture included. */
function listFolders(facts: Facts): string[] {
  const named = listLoaderFiles(facts)
    .flatMap((path) => facts.text(path).split(/[\n:,\s]+/))
    .filter((word) => word.startsWith('/') && !word.includes('*'));
  const byArchitecture = standardFolders
    .flatMap((folder) => facts.list(folder))
    .filter((path) => /-linux-[^/]+$/.test(path) && facts.follow(path)?.type === 'directory');
  return [...named, ...byArchitecture, ...standardFolders];
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
