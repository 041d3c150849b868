import type { Expectation } from '../result/expectation.js';
import type { Position, Step } from './patch.js';
import type { Secret } from './secret.js';
import type { Need } from './workspace.js';

export interface PlannedPatch {
  readonly id: string;
  readonly title: string;
  readonly folder: string;
  /** Hash of the patch's steps, parameters and payload, whatever the image. */
  readonly sha256: string;
  /** Secrets as reports show them. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A step whose condition does not hold. */
export interface SkippedStep {
  readonly patch: string;
  readonly kind: string;
  /** One line for people. */
  readonly summary: string;
  readonly at: Position;
  /** What was found and wanted. */
  readonly reason: string;
}

/** Everything that a build does to one image, decided before it begins. */
export interface Plan {
  /** Hash of the image, the steps, their payloads and the stamp; the values of secrets are not in it. */
  readonly id: string;
  readonly patches: readonly PlannedPatch[];
  readonly steps: readonly Step[];
  /** In the order of the patches. */
  readonly skipped: readonly SkippedStep[];
  readonly needs: readonly Need[];
  readonly reads: readonly string[];
  readonly expects: readonly Expectation[];
  /** Those that a step gets. */
  readonly secrets: readonly Secret[];
}
