/** What a patched image says of itself: the file `etc/moby-patch/record.json` in it. */
export interface ImageRecord {
  readonly version: 1;
  /** Hex digest of the image that was patched. */
  readonly input: string;
  readonly plan: string;
  readonly patches: readonly {
    readonly id: string;
    readonly sha256: string;
    readonly parameters: Readonly<Record<string, string>>;
  }[];
  /** Name -> version of every package that a step installed. */
  readonly packages: Readonly<Record<string, string>>;
  /** Of the image that was patched, where it had one. */
  readonly earlier?: ImageRecord | undefined;
}

/** By what an image is known to be a patched one. */
export interface KnownPatched {
  /** `record`: it says so itself; otherwise the file that says it. */
  readonly by: string;
  readonly patches: readonly string[];
  /** Hex digest of the stock image. */
  readonly input: string;
}
