/** Where what a guest has unpacked is not what the image holds. */
export interface AttestedDifference {
  /** In the image, as in its entries. */
  readonly path: string;
  readonly what: 'missing' | 'type' | 'mode' | 'owner' | 'size' | 'target' | 'content' | 'device' | 'link';
  readonly wanted: string;
  readonly found: string;
}

/** What a guest told of its root before any program of the image ran, held against the image. */
export interface Attestation {
  readonly paths: number;
  /** Of the regular files whose digests were taken. */
  readonly bytes: number;
  /** Seconds of the guest's time until it had told all. */
  readonly seconds: number;
  readonly differences: readonly AttestedDifference[];
  /** Paths that the guest has besides: of an archive in the kernel. They refuse nothing. */
  readonly added: readonly string[];
}
