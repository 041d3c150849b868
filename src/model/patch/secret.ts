/** Variables of the environment whose names begin so hold secrets. */
export const secretPrefix = 'MOBY_PATCH_SECRET_';

/** Where the value of a secret comes from, when it comes from no person. */
export type SecretSource =
  /** An absolute path. */
  | { readonly file: string }
  /** The name of an environment variable. */
  | { readonly env: string };

/** The value of a parameter that is declared `secret: true`. */
export interface Secret {
  /** The id of the patch that declares it. */
  readonly patch: string;
  /** The name of the parameter. */
  readonly name: string;
  readonly value: string;
  /** What reports show in its place. It tells nothing of the value to anybody who has no key for it. */
  readonly shown: string;
  /** Whether nobody gave a value: this one fits nothing, and serves a use case that builds nothing. */
  readonly isMissing?: boolean | undefined;
  /** Absent: a person typed it. */
  readonly source?: SecretSource | undefined;
}

/** A secret that a step leaves in the image on purpose. */
export interface StoredSecret {
  readonly patch: string;
  /** The name of the parameter. */
  readonly name: string;
  /** The only paths that may hold it; absent: a command may have put it anywhere. */
  readonly paths?: readonly string[] | undefined;
}
