import type { Expectation } from '../result/expectation.js';
import type { InitName } from './init.js';
import type { StoredSecret } from './secret.js';
import type { Content, Download, Need, Workspace } from './workspace.js';

/** The place of a value in a text file; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** For a value that no text has: the keys that lead to it. */
  readonly inside?: string | undefined;
}

export interface Parameter {
  /** Default: that of the default value, which may be a list; otherwise a text. */
  readonly type?: 'text' | 'number' | 'boolean' | 'list' | 'path' | 'port' | 'host' | undefined;
  readonly default?: string | readonly string[] | undefined;
  readonly description: string;
  /** The only values, or the only entries of a list. */
  readonly choices?: readonly string[] | undefined;
  /** `false`: without a value it is empty. A parameter with a default never requires one. */
  readonly required?: boolean | undefined;
  /** A regular expression that the whole value must match. */
  readonly pattern?: string | undefined;
  /** Its value is shown nowhere, and reaches only the steps that name it. */
  readonly secret?: boolean | undefined;
  readonly at?: Position | undefined;
}

/** The name of another patch: an id, or a folder from that of the patch. */
export interface PatchName {
  readonly name: string;
  readonly at: Position;
}

/** A patch folder, read and checked. Its parameters have no values yet. */
export interface Patch {
  readonly id: string;
  readonly folder: string;
  /** Its file, as messages name it. */
  readonly file: string;
  readonly title: string;
  /** As it is written: its placeholders are filled in when the plan is made. */
  readonly when?: unknown;
  /** Patches that come before it. */
  readonly uses: readonly PatchName[];
  /** Patches that cannot be in one plan with it. */
  readonly conflicts: readonly PatchName[];
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly steps: readonly SourceStep[];
  readonly expects: readonly Expectation[];
}

/** A step as it is written in the patch file. */
export interface SourceStep {
  readonly kind: string;
  readonly value: unknown;
  /** The condition, as it is written. */
  readonly when?: unknown;
  readonly at: Position;
  /** The place of each part of the value: keys and indexes joined with dots -> position. */
  readonly places?: ReadonlyMap<string, Position> | undefined;
}

/** What the image must have at a path, for the step to mean what its author meant. */
export interface Pin {
  readonly path: string;
  /** Hex. */
  readonly sha256: string;
  /** The file itself, where the patch keeps a copy. */
  readonly content?: Content | undefined;
}

/** A step with all its placeholders replaced and its payload read: everything that decides its result. */
export interface Step {
  readonly patch: string;
  readonly kind: string;
  readonly value: unknown;
  /** Files of the patch folder that the step uses: name -> body. */
  readonly payload: ReadonlyMap<string, Content>;
  readonly pin?: Pin | undefined;
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
  /** Of a step that needs commands: refuses an image in which it cannot succeed, without running any. */
  foresee?: ((workspace: Workspace, signal?: AbortSignal) => Promise<void>) | undefined;
}

export interface StepOutcome {
  /** Whether the step changed the workspace; `false` is shown as "already done". */
  readonly changed: boolean;
  /** Details for the report: lines added, matches replaced. */
  readonly notes?: readonly string[];
  /** Installed packages, each with the version that the manager chose. */
  readonly packages?: Readonly<Record<string, string>>;
  readonly downloads?: PackageDownloads | undefined;
  /** What a program printed of which the log shows only how far it was. */
  readonly output?: string | undefined;
}

/** Where packages came from, for a lock that keeps them. */
export interface PackageDownloads {
  readonly kept: readonly Download[];
  /** Names of packages that came over the network, and of which no file is kept. */
  readonly missing: readonly string[];
}
