/** Where an installed image stands. */
export type StatusName = 'stock' | 'patched' | 'stale' | 'upgraded' | 'foreign' | 'missing' | 'unsupported';

export interface FileMark {
  /** Hex digest. */
  readonly sha256: string;
  readonly size: number;
}

/** One patched image that was made for one stock image, and all that must be known of it later. */
export interface Deployment {
  readonly version: 1;
  readonly stock: FileMark;
  readonly patched: FileMark;
  /** Plan.id of the build. */
  readonly plan: string;
  /** Hash of what was asked for: patches with their payload and settings, compression; not of the image. */
  readonly recipe: string;
  /** So that `reapply` finds the same patches without a configuration. */
  readonly patches: readonly { readonly id: string; readonly folder: string; readonly sha256: string }[];
  readonly settings: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, string>>;
  readonly verdict: 'passed' | 'not booted';
  /** Of the application, where its definition tells how to find it. */
  readonly application?: string | undefined;
  /** Digest of the kernel that the image was booted with. */
  readonly kernel?: string | undefined;
  /** Digests of the archives in the image that the stock image does not have. */
  readonly segments: readonly string[];
  /** Digest of the archive of the stock image that brings /init. */
  readonly stockRoot: string;
  /** The folder of its build, below `builds` of the state folder. */
  readonly build: string;
  /** ISO 8601. */
  readonly time: string;
}

/** The file `state.json` of one installed image. */
export interface DeployState {
  readonly version: 1;
  /** The real path of the installed image. */
  readonly image: string;
  /** What the user asked for last: `reapply` leaves an image alone that was restored on purpose. */
  readonly wanted: 'patched' | 'stock';
  /** The oldest first. */
  readonly deployments: readonly Deployment[];
}

/** A file of an image before and after the patches; an absent side means that there is none. */
export interface TouchedFile {
  readonly path: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** A file that upstream changed since the last time, and that the patches replace as they did before. */
export interface Conflict {
  readonly path: string;
  readonly upstream: 'changed' | 'added';
}

/** A package whose version is not that of the last time; an absent side means that it was not installed. */
export interface PackageDrift {
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface Status {
  readonly status: StatusName;
  /** One line: why. */
  readonly reason: string;
  /** What to type next; absent where nothing is to be done. */
  readonly next?: string | undefined;
}

/** How the application that boots an image is asked whether it runs (exit 0), ended and started. */
export interface ApplicationCommands {
  readonly running: readonly string[];
  readonly quit?: readonly string[] | undefined;
  readonly start?: readonly string[] | undefined;
}
