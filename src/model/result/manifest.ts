import type { PackageDownloads } from '../patch/patch.js';

export interface ManifestFile {
  readonly name: string;
  readonly size: number;
  /** Hex digest. */
  readonly sha256: string;
}

export interface ManifestImage extends ManifestFile {
  /** Of which it is joined; absent where it is one file. */
  readonly files?: readonly ManifestFile[] | undefined;
  /** The initrd in it; absent where the file itself is one. */
  readonly part?: ManifestFile | undefined;
}

/** The file `OUTPUT.manifest.json`: where an image comes from and what is known of it. */
export interface Manifest {
  readonly version: 1;
  readonly input: ManifestImage;
  readonly output: ManifestImage;
  readonly plan: string;
  readonly patches: readonly {
    readonly id: string;
    readonly title: string;
    readonly sha256: string;
    readonly parameters: Readonly<Record<string, string>>;
  }[];
  /** Name -> version of every package that a step installed. */
  readonly packages: Readonly<Record<string, string>>;
  /** All steps in their order. */
  readonly steps: readonly { readonly patch: string; readonly summary: string }[];
  /**
   * Every path of the output that is not as in the input. `steps`: indexes of the steps that wrote it; several where
   * commands of several steps can have.
   */
  readonly changes: readonly {
    readonly path: string;
    readonly change: 'added' | 'changed' | 'removed';
    readonly steps: readonly number[];
  }[];
  /** What they came from, as far as the build cache keeps it. */
  readonly downloads?: PackageDownloads | undefined;
  readonly engine: string;
  readonly mode: string;
  readonly verdict: 'passed' | 'refused' | 'not booted';
  readonly reached?: string;
  readonly console?: string;
  readonly warnings: readonly string[];
}
