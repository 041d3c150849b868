import type { Download } from './workspace.js';

/**
 * The file `moby-patch.lock`: what a build was made of and what came out. A locked build gives these bytes or
 * nothing.
 */
export interface Lock {
  readonly version: 1;
  /** Hex digest of the input. */
  readonly input: string;
  /** The id of the plan: input, patches with parameters and payloads, stamp. */
  readonly plan: string;
  readonly packages: Readonly<Record<string, string>>;
  /** What package managers downloaded, where it is kept. */
  readonly vendor?: VendoredDownloads | undefined;
  /** Hex digest of the output. */
  readonly output: string;
}

export interface VendoredDownloads {
  /** From the folder of the lock; a file is FOLDER/MANAGER/NAME. */
  readonly folder: string;
  readonly files: readonly Download[];
}
