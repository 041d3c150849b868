import type { Expectation } from './expectation.js';
import type { InitName } from './init.js';
import type { StoredSecret } from './secret.js';
import type { Content, Need, Workspace } from './workspace.js';

/** The place of a value in a text file; lines and columns count from 1. */
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
  /** Its value is shown nowhere, and reaches only the steps that name it. */
  readonly secret?: boolean | undefined;
  readonly at?: Position | undefined;
}

/** A patch folder, read and checked. Its parameters have no values yet. */
export interface Patch {
  readonly id: string;
  readonly folder: string;
  readonly title: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly steps: readonly SourceStep[];
  readonly expects: readonly Expectation[];
}

/** A step as it is written in the patch file. */
export interface SourceStep {
  readonly kind: string;
  readonly value: unknown;
  readonly at: Position;
  /** The place of each part of the value: keys and indexes joined with dots -> position. */
  readonly places?: ReadonlyMap<string, Position> | undefined;
}

/** A step with all its placeholders replaced and its payload read: everything that decides its result. */
export interface Step {
  readonly patch: string;
  readonly kind: string;
  readonly value: unknown;
  /** Files of the patch folder that the step uses: name -> body. */
  readonly payload: ReadonlyMap<string, Content>;
  readonly at: Position;
  /** One line for people: `file etc/fstab`. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** Paths of the image that the step reads. */
  readonly reads: readonly string[];
  /** Names of the secrets that the step gets. */
  readonly secrets: readonly string[];
  /** Those of them that it leaves in the image on purpose. */
  readonly stores: readonly StoredSecret[];
  /** What the step becomes with this init system, a line each; absent: the same with every one. */
  readonly becomes?: ((init: InitName) => readonly string[]) | undefined;
  /** Hash of the image, all steps up to and including this one, and their payloads. */
  readonly id: string;
  apply(workspace: Workspace, signal?: AbortSignal): Promise<StepOutcome>;
}

export interface StepOutcome {
  /** Whether the step changed the workspace; `false` is shown as "already done". */
  readonly changed: boolean;
  /** Details for the report: lines added, matches replaced. */
  readonly notes?: readonly string[];
  /** Installed packages, each with the version that the manager chose. */
  readonly packages?: Readonly<Record<string, string>>;
}
