import type { Contender } from './contender.js';
import type { Goal } from './goals.js';
import type { Inputs } from './inputs.js';

export interface Row {
  readonly id: string;
  readonly work: string;
  readonly note?: string | undefined;
  /** Read once before anything is timed. */
  readonly reads?: readonly string[];
  /** Ours first. */
  readonly contenders: readonly Contender[];
  readonly goals: readonly Goal[];
  /** Why the row cannot run here. */
  readonly missing?: string | undefined;
}

/** What rows are made of. */
export interface Bench {
  readonly inputs: Inputs;
  /** The command of the program. */
  readonly moby: string;
  /** Programs of the bench, compiled. */
  readonly programs: string;
  /** A folder in memory, and one on a disk where there is one; each with the name of its file system. */
  readonly memory: Folder | undefined;
  readonly disk: Folder | undefined;
  /** Why containers cannot run. */
  readonly noDocker: string | undefined;
  /** The reason why a program cannot run, to go into `missing`; undefined: it can. */
  lacks(program: string): string | undefined;
}

export interface Folder {
  readonly path: string;
  readonly type: string;
}
