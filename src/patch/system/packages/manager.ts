import type { ListedPackage } from '../../../format/package-database.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import type { StepContext } from '../step-context.js';

export const managerNames = ['apk', 'apt', 'dnf', 'zypper', 'pacman'] as const;
export type ManagerName = (typeof managerNames)[number];

/** A name in the root that scripts of package managers may use, and that does not stay. */
export const packageScratch = '.moby-patch-packages';

/** Name -> version of every installed package. */
export type Packages = ReadonlyMap<string, string>;

export function mapVersions(listed: readonly ListedPackage[]): Packages {
  return new Map(listed.map(({ name, version }) => [name, version]));
}

/** What moby-patch knows of a package manager. */
export interface PackageManager {
  readonly name: ManagerName;
  /** Paths of its program; an image that has one of them has the manager. */
  readonly programs: readonly string[];
  /** Paths of its database of what is installed; an image that uses the manager has one of them. */
  readonly databases: readonly string[];
  /** What the image has that names the repositories. */
  readonly sources: string;
  /**
   * Caches, logs, locks and backups that it leaves, which no running system reads. After each installation they are
   * what they are in the image.
   */
  readonly traces: readonly string[];
  /**
   * The text of a script for /bin/sh with the arguments `install|install-unsigned|remove SCRATCH DOWNLOADS ITEM...`.
   * SCRATCH is a path in the root that may be used, and is removed. DOWNLOADS holds what earlier builds downloaded, and
   * then what this one did; it may be missing. An ITEM is `name`, `name=version`, or the absolute path of a package file
   * of which `install` wants a signature that the image trusts.
   */
  script(): string;
  /**
   * The script uses DOWNLOADS, and checks what is in there as it checks what comes from a mirror; absent: it does not.
   * With MOBY_PATCH_OFFLINE=1 it makes do with them: the host has compared them with a lock.
   */
  readonly downloads?: DownloadRule;
  /** How package files end that it can install. */
  readonly suffixes: readonly string[];
  /** How it wants `name=version`, where that is not what it wants. */
  spell?(request: string): string;
  /** Whether it checks signatures of package files. */
  readonly checksFiles: boolean;
  /** What its database lists; empty where there is none yet. `database`: the first of `databases` that is there. */
  readInstalled(at: InstalledOptions): Promise<Packages>;
  /** Why it fails, by what it prints. The order is that of causes: an unreadable repository makes its packages unknown. */
  readonly causes: readonly Cause[];
  /** Lines that it prints while all goes well. */
  readonly progress: RegExp;
}

export interface DownloadRule {
  /** Whether a file of DOWNLOADS is a list of what a repository has, or its signature. */
  isIndex(file: string): boolean;
  /** How the file of a package begins. */
  begin(name: string, version: string): string;
}

export interface InstalledOptions {
  readonly workspace: Workspace;
  readonly context: StepContext;
  readonly database: string;
}

export interface Cause {
  readonly sign: RegExp;
  /** `place`: what names the repositories. */
  readonly hint: (match: RegExpExecArray, place: string, output: string) => string;
}
