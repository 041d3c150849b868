import { collectBytes } from '../io/collect.js';
import type { Archive, ImageEntry } from '../model/image/archive.js';
import { detectInitOf } from '../tree/init-system.js';
import { detectInitramfs } from '../tree/initramfs.js';
import { followEntry } from '../tree/resolve.js';

/** What the files of an image tell about its system. */
export interface SystemFacts {
  /** Of etc/os-release. */
  readonly os?: { readonly id: string; readonly name: string; readonly version: string } | undefined;
  readonly packageManagers: readonly string[];
  /** `openrc`, `systemd`, `busybox`, `sysvinit`, `runit`; absent when it is unknown. */
  readonly init?: string | undefined;
  /** `initramfs-tools`, `dracut`, `mkinitfs`: what made it, if it only leads to another root. */
  readonly initramfs?: string | undefined;
  /** Versions of the kernels that have modules in lib/modules. */
  readonly modules: readonly string[];
}

const managers: readonly (readonly [string, readonly string[]])[] = [
  ['apk', ['sbin/apk', 'usr/sbin/apk', 'bin/apk', 'usr/bin/apk']],
  ['apt', ['usr/bin/apt-get', 'bin/apt-get']],
  ['dnf', ['dnf', 'dnf5', 'microdnf', 'tdnf', 'yum'].map((name) => `usr/bin/${name}`)],
  ['zypper', ['usr/bin/zypper']],
  ['pacman', ['usr/bin/pacman']],
  ['opkg', ['bin/opkg', 'usr/bin/opkg']],
  ['udpkg', ['bin/udpkg', 'usr/bin/udpkg']],
];

/** Those for which no step can start a service. */
const otherInits: readonly (readonly [string, readonly string[]])[] = [
  ['runit', ['sbin/runit', 'usr/bin/runit']],
];

const longestText = 64 * 1024;

/** The second ones are those of an initrd of its own (os-release(5)). */
const releases = ['os-release', 'initrd-release'].flatMap((name) => [`etc/${name}`, `usr/lib/${name}`]);

/** Reads at most one body, that of os-release. */
export async function describeSystem(image: Archive): Promise<SystemFacts> {
  const follow = (path: string) => followEntry(image.entries, path);
  const hasAny = ([, paths]: readonly [string, readonly string[]]) =>
    paths.some((path) => follow(path)?.type === 'file');
  const init = detectInitOf(image.entries).name ?? otherInits.find(hasAny)?.[0];
  const initramfs = detectInitramfs(image.entries);
  const os = await readRelease(releases.map(follow).find((entry) => entry !== undefined));
  return {
    ...(os === undefined ? {} : { os }),
    packageManagers: managers.filter(hasAny).map(([name]) => name),
    ...(init === undefined ? {} : { init }),
    ...(initramfs === undefined ? {} : { initramfs }),
    modules: listModules(image),
  };
}

async function readRelease(entry: ImageEntry | undefined): Promise<SystemFacts['os']> {
  if (entry?.type !== 'file' || entry.size > longestText) return undefined;
  const text = Buffer.from(await collectBytes(entry.body(), longestText, entry.path)).toString();
  const value = (key: string) => new RegExp(`^${key}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), name: value('PRETTY_NAME') || value('NAME'), version: value('VERSION_ID') };
}

function listModules(image: Archive): string[] {
  const folders = ['lib/modules', 'usr/lib/modules'].flatMap(
    (path) => followEntry(image.entries, path)?.path ?? [],
  );
  const versions = new Set<string>();
  for (const { path, type } of image.entries.values()) {
    const folder = folders.find((each) => path.startsWith(`${each}/`));
    const name = folder === undefined ? '' : path.slice(folder.length + 1);
    // A release begins with a number; dracut puts keys beside them.
    if (type === 'directory' && /^\d[^/]*$/.test(name)) versions.add(name);
  }
  return [...versions].sort();
}
