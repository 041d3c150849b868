import type { BootResult } from './boot.js';
import type { WriteMode } from './build.js';
import type { TreeDiff } from './diff.js';
import type { EngineName } from './engine.js';
import type { ErrorReport } from './error.js';
import type { Layout } from './layout.js';
import type { PlannedPatch } from './plan.js';

export type Stage = 'configure' | 'unpack' | 'plan' | 'patch' | 'repack' | 'validate' | 'verify' | 'publish';

export interface StepReport {
  readonly patch: string;
  readonly kind: string;
  readonly summary: string;
  readonly changed: boolean;
  /** Not done again: an earlier build did it and what came of it was kept. */
  readonly cached: boolean;
  readonly notes: readonly string[];
  readonly packages: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

export interface PlanReport {
  readonly id: string;
  readonly patches: readonly PlannedPatch[];
  readonly steps: readonly {
    readonly patch: string;
    readonly kind: string;
    readonly summary: string;
    readonly id: string;
    readonly needs: readonly string[];
    /** Whether what an earlier build made of it will be taken. */
    readonly cached: boolean;
  }[];
  readonly needs: readonly string[];
  /** Whether the engine still has the image's root; absent when no command will run, or none is kept. */
  readonly rootKept?: boolean | undefined;
}

export interface EngineReport {
  readonly name: EngineName;
  readonly reason: string;
}

/** What a build did. The same shape for success and failure; what was not reached is absent. */
export interface Report {
  readonly failed: boolean;
  /** The last stage that was begun. */
  readonly stage: Stage;
  readonly input: string;
  readonly output?: string | undefined;
  readonly manifest?: string | undefined;
  readonly before?: Layout | undefined;
  readonly after?: Layout | undefined;
  readonly plan?: PlanReport | undefined;
  readonly engine?: EngineReport | undefined;
  /** How the changes got into the image and why so; `auto` in a plan: the changes will decide. */
  readonly mode?: { readonly name: WriteMode; readonly reason: string } | undefined;
  readonly steps: readonly StepReport[];
  readonly diff?: TreeDiff | undefined;
  readonly boot?: BootResult | undefined;
  readonly warnings: readonly string[];
  readonly error?: ErrorReport | undefined;
  /** Milliseconds of each stage that was begun. */
  readonly stages: Readonly<Partial<Record<Stage, number>>>;
  readonly durationMs: number;
}

/** How a use case ended: its report, and what was thrown, whose stack a report does not carry. */
export interface Outcome {
  readonly report: Report;
  /** Absent when the work was done; the report has its data as `error`. */
  readonly error?: unknown;
}
