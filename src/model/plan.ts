import type { Expectation } from './expectation.js';
import type { Step } from './patch.js';
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

/** Everything that a build does to one image, decided before it begins. */
export interface Plan {
  /** Hash of the image, the steps, their payloads and the stamp; the values of secrets are not in it. */
  readonly id: string;
  readonly patches: readonly PlannedPatch[];
  readonly steps: readonly Step[];
  readonly needs: readonly Need[];
  readonly reads: readonly string[];
  readonly expects: readonly Expectation[];
  /** Those that a step gets. */
  readonly secrets: readonly Secret[];
}
