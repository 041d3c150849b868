import type { FileAccess } from '../access.js';
import type { WriteMode } from '../build.js';
import type { FileMark } from '../deployment.js';
import type { ErrorReport } from '../error/error.js';
import type { TreeDiff } from '../image/diff.js';
import type { Layout } from '../image/layout.js';
import type { WrapperKind } from '../image/wrapper.js';
import type { EngineName } from '../patch/engine.js';
import type { PackageDownloads } from '../patch/patch.js';
import type { PlannedPatch } from '../patch/plan.js';
import type { BootResult } from './boot.js';
import type { StockComparison } from './stock.js';
import type { RunDifference } from './twice.js';
import type { Usage } from './usage.js';

export type Stage = 'configure' | 'unpack' | 'plan' | 'patch' | 'repack' | 'validate' | 'verify' | 'publish';

export interface StepReport {
  readonly patch: string;
  readonly kind: string;
  readonly summary: string;
  readonly changed: boolean;
  /** An earlier build did it, and its changes came from the cache. */
  readonly cached: boolean;
  /** Only of a cached step: whether an image with it has booted as it must. */
  readonly proven?: boolean | undefined;
  readonly notes: readonly string[];
  readonly packages: Readonly<Record<string, string>>;
  /** What it put or removed itself, sorted; what its commands did is not in it. Absent: nothing. */
  readonly paths?: readonly string[] | undefined;
  /** Whether it ran commands, which may have changed any path. */
  readonly ran?: true | undefined;
  readonly downloads?: PackageDownloads | undefined;
  readonly output?: string | undefined;
  readonly durationMs: number;
}

export interface PlanReport {
  readonly id: string;
  /** The init system of the image before any step; `name` is absent where it is not known. */
  readonly init?: { readonly name?: string | undefined; readonly evidence: string } | undefined;
  readonly patches: readonly PlannedPatch[];
  readonly steps: readonly {
    readonly patch: string;
    readonly kind: string;
    readonly summary: string;
    readonly id: string;
    readonly needs: readonly string[];
    /** Whether its changes will come from the cache. */
    readonly cached: boolean;
    readonly proven?: boolean | undefined;
    /** Names of the secrets that it gets; absent: none. */
    readonly secrets?: readonly string[];
    /** What the step becomes with that init system, a line each; absent: the same with every one. */
    readonly becomes?: readonly string[];
  }[];
  /** Steps that are left out, since their conditions do not hold; absent: none. */
  readonly skipped?: readonly {
    readonly patch: string;
    readonly kind: string;
    readonly summary: string;
    /** What was found and wanted. */
    readonly reason: string;
  }[];
  readonly needs: readonly string[];
  /** Whether the engine still has the image's root; absent when no command will run, or the engine caches no root. */
  readonly rootKept?: boolean | undefined;
}

/** Something that a build needs, looked at before its first step. */
export interface Precheck {
  readonly name:
    | 'request'
    | 'engine'
    | 'mode'
    | 'compression'
    | 'output'
    | 'space'
    | 'expectation'
    | 'disk'
    | 'kernel'
    | 'qemu'
    | 'network'
    | 'files'
    | 'steps';
  /** A line: what is there, or what is wrong. More lines have the details. */
  readonly found: string;
  /** Absent when it is as it must be. */
  readonly problem?: ErrorReport | undefined;
}

export interface WrapperReport {
  readonly kind: WrapperKind;
  /** The name of the initrd in it. */
  readonly part: string;
  readonly before: FileMark;
  readonly after?: FileMark | undefined;
  /** How the new initrd got into it. */
  readonly way?: string | undefined;
  /** What PCR 11 of a TPM will be when it boots; absent where nothing here calculates it. */
  readonly pcr11?: readonly ExpectedPcr[] | undefined;
}

export interface ExpectedPcr {
  /** As systemd-measure names it: `enter-initrd:leave-initrd`. */
  readonly phase: string;
  /** Hex. */
  readonly sha256: string;
}

export interface EngineReport {
  readonly name: EngineName;
  readonly reason: string;
}

/** What a build did, in one shape for success and failure. Parts that were not reached are absent. */
export interface Report {
  readonly version: 1;
  readonly failed: boolean;
  /** The last stage that began. */
  readonly stage: Stage;
  readonly input: string;
  readonly output?: string | undefined;
  readonly manifest?: string | undefined;
  readonly before?: Layout | undefined;
  readonly after?: Layout | undefined;
  /** The output, where it is only what was appended; `after` describes the image with it. */
  readonly overlay?: FileMark | undefined;
  /** What the images are inside of; `before` and `after` describe the initrds. Absent: the files are initrds. */
  readonly wrapper?: WrapperReport | undefined;
  readonly plan?: PlanReport | undefined;
  readonly engine?: EngineReport | undefined;
  readonly prechecks?: readonly Precheck[] | undefined;
  /** How the changes got into the image, and why. `auto` in a plan: the changes decide. */
  readonly mode?: { readonly name: WriteMode; readonly reason: string } | undefined;
  readonly steps: readonly StepReport[];
  /** What a second run of the steps made differently; absent: there was none. */
  readonly twice?: readonly RunDifference[] | undefined;
  readonly diff?: TreeDiff | undefined;
  readonly usage?: Usage | undefined;
  readonly boot?: BootResult | undefined;
  /** Only where it was asked for. */
  readonly stock?: StockComparison | undefined;
  readonly warnings: readonly string[];
  readonly error?: ErrorReport | undefined;
  /** Milliseconds of each stage that began. */
  readonly stages: Readonly<Partial<Record<Stage, number>>>;
  readonly durationMs: number;
}

/** How a use case ended: its report, and the error itself, since a report has no stack. */
export interface Outcome {
  readonly report: Report;
  /** Absent after success. The report has its data as `error`. */
  readonly error?: unknown;
  /** Who may read the image, and so all that tells of it; absent when it was not opened. */
  readonly access?: FileAccess | undefined;
}
