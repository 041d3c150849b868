import type { SecretSource } from './patch/secret.js';

/** Where an installed image stands. */
export type StatusName = 'stock' | 'patched' | 'stale' | 'upgraded' | 'foreign' | 'missing' | 'unsupported';

export interface FileMark {
  /** Hex digest. */
  readonly sha256: string;
  readonly size: number;
}

/** The record of one patched image that was built for one stock image. */
export interface Deployment {
  readonly version: 1;
  readonly stock: FileMark;
  readonly patched: FileMark;
  /** Plan.id of the build. */
  readonly plan: string;
  /** Hash of what was wanted: patches with their payload and settings, compression; independent of the image. */
  readonly recipe: string;
  /** `reapply` needs no configuration to find the same patches again. */
  readonly patches: readonly { readonly id: string; readonly folder: string; readonly sha256: string }[];
  readonly settings: Readonly<Record<string, string>>;
  /** By `PATCH.NAME`; absent: the patches have none. */
  readonly secrets?: Readonly<Record<string, DeployedSecret>> | undefined;
  readonly packages: Readonly<Record<string, string>>;
  readonly verdict: 'passed' | 'not booted';
  /** Version of the application, where the definition of the image tells how to read it. */
  readonly application?: string | undefined;
  /** Digest of the kernel that the image was booted with. */
  readonly kernel?: string | undefined;
  /** Digests of the archives that the patched image has and the stock image does not. */
  readonly segments: readonly string[];
  /** Digest of the archive with /init of the stock image. */
  readonly stockRoot: string;
  /** The name of its build's folder, below `builds` of the state folder. */
  readonly build: string;
  /** ISO 8601. */
  readonly time: string;
}

/** What is kept of a secret. */
export interface DeployedSecret {
  /** A digest that only the user of this machine can compare. */
  readonly shown: string;
  /** Where `reapply` finds the value again; absent: a person typed it. */
  readonly source?: SecretSource | undefined;
}

/** The file `state.json` of one installed image. */
export interface DeployState {
  readonly version: 1;
  /** The real path of the installed image. */
  readonly image: string;
  /** What the user asked for last: `reapply` leaves an image alone that the user restored. */
  readonly wanted: 'patched' | 'stock';
  /** Oldest first. */
  readonly deployments: readonly Deployment[];
}

/** A file of an image before and after the patches: a hash of each side, absent where it does not exist. */
export interface TouchedFile {
  readonly path: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** A file that upstream changed since the last deployment, and that the patches replace with the same content. */
export interface Conflict {
  readonly path: string;
  readonly upstream: 'changed' | 'added';
}

/** A package whose version differs from the last deployment; a side is absent where it was not installed. */
export interface PackageDrift {
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface Status {
  readonly status: StatusName;
  /** One line. */
  readonly reason: string;
  /** The command to type next; absent where nothing is left to do. */
  readonly next?: string | undefined;
}

/** Commands for the application that boots an image; `running` exits with 0 while the application runs. */
export interface ApplicationCommands {
  readonly running: readonly string[];
  readonly quit?: readonly string[] | undefined;
  readonly start?: readonly string[] | undefined;
}
