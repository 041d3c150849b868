/** Bytes of the regular files in a folder of an image and below it, each file counted once. */
export interface FolderUsage {
  /** At most two components; `''` for files at the root. */
  readonly path: string;
  readonly bytes: number;
}

/** Where the bytes of the images are, largest first. */
export interface Usage {
  readonly before: readonly FolderUsage[];
  /** Absent where nothing was written. */
  readonly after?: readonly FolderUsage[] | undefined;
}
