import type { Cache } from './cache.js';
import type { ScanLimits } from './limits.js';
import type { Engine } from './patch/engine.js';
import type { Stage } from './result/report.js';

/** Folders of this machine's user and of the package, all absolute. */
export interface Places {
  /** The working folder: relative paths of the user begin here. */
  readonly folder: string;
  /** Where an id of a patch is looked up: the project's folder, the user's, the package's. */
  readonly patches: readonly string[];
  /** Where an id of an image definition is looked up, in the same order. */
  readonly images: readonly string[];
  /** The user's cache folder; builds, reference images and kernels have folders of their own in it. */
  readonly cache: string;
  /** The user's state folder: the records of installed images, and their backups. */
  readonly state: string;
  /** The user's folder of patches and image definitions. */
  readonly config: string;
  /** JSON schemas, for editors. */
  readonly schemas: string;
  readonly home: string;
}

/** How much of what a stage reads or writes is done; bytes. `total` may be an estimate. */
export interface Work {
  readonly done: number;
  readonly total: number;
}

/** What a use case tells while it works: the stage that begins, one line for people, or how far the stage is. */
export type ProgressEvent =
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'line'; readonly text: string }
  /** Comes often. */
  | ({ readonly kind: 'work' } & Work);

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a use case that only reads images gets of the process it runs in; no stream and no exit code is in it. */
export interface ReadingSession {
  readonly signal: AbortSignal;
  /** Bounds of what is read; absent ones have their defaults. */
  readonly limits?: Partial<ScanLimits> | undefined;
  readonly places: Places;
  readonly environment: Environment;
  /** Variables that hold secrets. They are apart, since programs that are started get the environment. */
  readonly secretVariables?: Environment | undefined;
  /** Gets one line about the progress of the work, for people. */
  readonly log: (line: string) => void;
  /** Gets how far a stage is, often. */
  readonly onWork?: ((work: Work) => void) | undefined;
  /** Gets how far a program is that was started, often; the latest text holds until the next line of `log`. */
  readonly showPart?: ((text: string) => void) | undefined;
  /** Gets each line of a guest that boots, for a terminal on which one replaces the other. */
  readonly showLine?: ((line: string) => void) | undefined;
  /** Asks a person for a secret; absent where nobody can answer. The same question is asked once. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

/** What a use case that builds gets besides. */
export interface Session extends ReadingSession {
  /** In the order in which `auto` tries them. */
  readonly engines: readonly Engine[];
  readonly cache: Cache;
  readonly onStage: (stage: Stage) => void;
  /** What several builds of a run know of their caches in registries; absent: it is one build. */
  readonly sharing?: Sharing | undefined;
}

export interface Sharing {
  /** Those that failed: they are left alone for the rest of the run. */
  readonly left: Set<string>;
  /** Gets one line for each of them, also where the builds say nothing. */
  readonly log: (line: string) => void;
}
