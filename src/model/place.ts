/** A file that a use case reads, and what messages call it: `a disk of the guest`. */
export interface NamedInput {
  readonly path: string;
  readonly what: string;
}

/** A file that it writes. */
export interface NamedOutput {
  readonly path: string;
  /** What messages call it: `the report`; default: the output. */
  readonly what?: string | undefined;
  /** How another file is named; default: with `-o`. */
  readonly hint?: string | undefined;
}
