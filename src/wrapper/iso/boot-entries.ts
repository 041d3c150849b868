import type { WrapperBoot } from '../../model/image/wrapper.js';

/** The configuration of a boot loader in an image: where it stands, and its text. */
export interface LoaderFile {
  readonly path: string;
  readonly text: string;
  /** The boot image that it is in, as the names of its files begin: its loader looks there first. */
  readonly inside?: string | undefined;
}

/** Where boot loaders of live and installer images look; folders at their end are searched for more of them. */
export const loaderPattern =
  /^(?:(?:boot\/)?(?:isolinux|syslinux)\/|boot\/[^/]+\/loader\/|(?:boot\/|EFI\/[^/]+\/)?grub2?\/|EFI\/[^/]+\/|loader\/entries\/)?[^/]*\.(?:cfg|conf)$/i;

const mostEntries = 1000;

/** What loaders start, in the order of the files and their lines; the same initrd, kernel and command line once. */
export function findBootEntries(
  files: readonly LoaderFile[],
  names: Iterable<string>,
  aliases: ReadonlyMap<string, string> = new Map(),
): WrapperBoot[] {
  const known = new Map(
    [...aliases, ...[...names].map((name) => [name, name] as const)].map(([alias, name]) => [
      alias.toLowerCase(),
      name,
    ]),
  );
  const boots = new Map<string, WrapperBoot>();
  for (const { path, text, inside } of files) {
    const isGrub = /grub/i.test(path) || /^[ \t]*menuentry\b/m.test(text);
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    for (const entry of isGrub ? readGrub(text) : readSyslinux(text)) {
      const boot = resolveEntry(entry, folder, createLookUp(known, inside, isGrub && text));
      if (boot !== undefined && boots.size < mostEntries) {
        const key = JSON.stringify([boot.initrd, boot.kernel, boot.cmdline]);
        if (!boots.has(key)) boots.set(key, boot);
      }
    }
  }
  return [...boots.values()];
}

interface LoaderEntry {
  readonly title?: string | undefined;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly cmdline?: string | undefined;
}

/** Of several initrds the last is the one that brings the root; the others are microcode. */
function resolveEntry(
  { title, kernel, initrd, cmdline }: LoaderEntry,
  folder: string,
  lookUp: LookUp,
): WrapperBoot | undefined {
  const locate = (name: string | undefined) => name && locateFile(name, folder, lookUp);
  const found = locate(initrd);
  if (!found) return undefined;
  return {
    initrd: found,
    kernel: locate(kernel) || undefined,
    cmdline: cmdline?.trim() || undefined,
    title,
  };
}

type LookUp = (path: string) => string | undefined;

/**
 * Finds files by the paths of a loader. In a boot image systemd-boot reads that image alone; GRUB looks for a root of its own by `search`, else it
 * begins in the image, and configurations name what only the ISO has.
 */
function createLookUp(
  known: ReadonlyMap<string, string>,
  inside: string | undefined,
  grub: string | false,
): LookUp {
  const outer = (path: string) => known.get(path.toLowerCase());
  if (inside === undefined) return outer;
  const inner = (path: string) => outer(`${inside}/${path}`);
  if (grub === false) return inner;
  const [first, second] = /^[ \t]*search\b/m.test(grub) ? [outer, inner] : [inner, outer];
  return (path) => first(path) ?? second(path);
}

/** A path begins at the root, on a device of GRUB, or in the folder of the configuration. */
function locateFile(name: string, folder: string, found: LookUp): string | undefined {
  const path = name.replace(/^\([^)]*\)/, '').replace(/^\$\w+|^\$\{\w+\}/, '');
  const plain = normalise(path);
  const beside = normalise(`${folder}/${path}`);
  return path.startsWith('/') ? found(plain) : (found(beside) ?? found(plain));
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** The first word of a line and the rest. It takes linear time, unlike one regular expression that trims both ends. */
function splitWord(line: string): { readonly word: string; readonly value: string } {
  const text = line.trim();
  const [word = ''] = /^\w+(?=\s)/.exec(text) ?? [];
  return { word, value: word === '' ? '' : text.slice(word.length).trim() };
}

/**
 * LABEL, KERNEL or LINUX, INITRD, APPEND of SYSLINUX (doc/menu.txt); the label that DEFAULT names comes first. Or the only entry of a
 * file in loader/entries: title, linux, initrd and options (UAPI.1), of which the last two may come several times.
 */
function readSyslinux(text: string): LoaderEntry[] {
  let wanted: string | undefined;
  let current: { -readonly [Key in keyof LoaderEntry]: LoaderEntry[Key] } & { label?: string } = {};
  const entries = [current];
  for (const line of text.split('\n')) {
    const { word, value } = splitWord(line);
    switch (word.toLowerCase()) {
      case 'default':
        wanted ??= value;
        break;
      case 'label':
        current = { label: value, title: value };
        entries.push(current);
        break;
      case 'menu':
        if (/^label\s/i.test(value)) current.title = value.slice(6).replaceAll('^', '').trim();
        else if (/^default$/i.test(value)) wanted = current.label;
        break;
      case 'kernel':
      case 'linux':
        current.kernel = value;
        break;
      case 'title':
        current.title = value;
        break;
      case 'options':
        current.cmdline = `${current.cmdline ?? ''} ${value}`;
        break;
      case 'initrd':
        current.initrd = value.split(',').at(-1);
        break;
      case 'append': {
        const [, initrd] = /(?:^|\s)initrd=(\S+)/.exec(value) ?? [];
        current.initrd = initrd?.split(',').at(-1) ?? current.initrd;
        current.cmdline = value.replace(/(?:^|\s)initrd=\S+/, '');
        break;
      }
    }
  }
  const isFirst = ({ label }: (typeof entries)[number]) => label !== undefined && label === wanted;
  return [...entries.filter(isFirst), ...entries.filter((entry) => !isFirst(entry))];
}

/** menuentry with linux and initrd of GRUB (info grub, 16.3); variables stay as they are. */
function readGrub(text: string): LoaderEntry[] {
  const entries: { -readonly [Key in keyof LoaderEntry]: LoaderEntry[Key] }[] = [];
  let title: string | undefined;
  for (const line of text.split('\n')) {
    const { word, value } = splitWord(line.trimEnd().replace(/\}$/, ''));
    if (word === 'menuentry') title = /^(?:'([^']*)'|"([^"]*)")/.exec(value)?.slice(1).find(Boolean);
    else if (/^linux(?:16|efi)?$/.test(word)) {
      const [, kernel, cmdline] = /^(\S+)\s*(.*)$/.exec(value) ?? [];
      entries.push({ title, kernel, cmdline });
    } else if (/^initrd(?:16|efi)?$/.test(word)) {
      const last = entries.at(-1);
      if (last !== undefined) last.initrd = value.split(/\s+/).at(-1);
    }
  }
  return entries;
}
