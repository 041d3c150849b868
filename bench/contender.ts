/** One way to do a piece of work. All shell commands of a bench run in the same folder. */
export interface Contender {
  readonly name: string;
  /** Sets up what the command starts from; not timed. */
  readonly prepare?: string | undefined;
  readonly command: string;
  /** Fails unless the command did its work; not timed. */
  readonly check?: string | undefined;
  /** The file whose size is reported. */
  readonly output?: string | undefined;
  /** Why it cannot run here. It has a line without numbers, and goals are judged by the others. */
  readonly missing?: string | undefined;
}

export interface Measured {
  readonly name: string;
  /** Why it did not run, or how it failed: then nothing else is known. */
  readonly missing?: string | undefined;
  /** Wall time of each run. */
  readonly seconds: readonly number[];
  /** Processor time of each run, of all its processes. */
  readonly cpu: readonly number[];
  /** KiB: the largest resident set of any process of the command in any run. */
  readonly peak: number;
  readonly bytes?: number | undefined;
}

export interface Spent {
  readonly seconds: number;
  readonly cpu: number;
  /** KiB. */
  readonly peak: number;
}
