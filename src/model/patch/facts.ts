/** What the files of an image tell about its system, for conditions of patches. */
export interface ImageFacts {
  /** Of etc/os-release. */
  readonly os?: { readonly id: string; readonly version: string } | undefined;
  readonly packageManagers: readonly string[];
  readonly init?: string | undefined;
  /** As `uname -m` says it. */
  readonly architecture?: string | undefined;
  /** Whether the path exists; symlinks are followed. */
  has(path: string): boolean;
}
