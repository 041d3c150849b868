import type { Need, Workspace } from './workspace.js';

/** Where a value stands in a text file, lines and columns from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Parameter {
  readonly default?: string | undefined;
  readonly description: string;
  /** A regular expression that the whole value must match. */
  readonly pattern?: string | undefined;
  readonly at?: Position | undefined;
}

/** What a good boot of an image with this patch shows. */
export type Expectation =
  /** A line of the console that matches this regular expression. */
  | { readonly console: string }
  /** A path that exists in the guest after its default runlevel; `content`: its exact text. */
  | { readonly file: string; readonly content?: string | undefined };

/** A patch folder, read and checked, before its parameters have values. */
export interface Patch {
  readonly id: string;
  readonly folder: string;
  readonly title: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly steps: readonly SourceStep[];
  readonly expects: readonly Expectation[];
}

/** A step as the patch file has it. */
export interface SourceStep {
  readonly kind: string;
  readonly value: unknown;
  readonly at: Position;
  /** Where each part of the value stands: its keys and indexes joined with dots -> position. */
  readonly places?: ReadonlyMap<string, Position> | undefined;
}

/** A step with its parameters filled in and its payload read: everything that decides its result. */
export interface Step {
  readonly patch: string;
  readonly kind: string;
  readonly value: unknown;
  /** Files of the patch folder that the step uses: name -> body. */
  readonly payload: ReadonlyMap<string, Uint8Array>;
  readonly at: Position;
  /** One line for people: `file etc/fstab`. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** Paths of the image that it reads. */
  readonly reads: readonly string[];
  /** Hash of the image, all steps up to and including this one, and their payloads. */
  readonly id: string;
  apply(at: Workspace): Promise<StepOutcome>;
}

export interface StepOutcome {
  /** Whether the workspace is different now; `false` is shown as "already done". */
  readonly changed: boolean;
  /** What was found and done, for the report: package versions, lines added. */
  readonly notes?: readonly string[];
  /** Packages with the version the manager chose. */
  readonly packages?: Readonly<Record<string, string>>;
}
