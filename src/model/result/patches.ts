import type { ErrorReport } from '../error/error.js';
import type { Parameter } from '../patch/patch.js';
import type { Need } from '../patch/workspace.js';
import type { PlanReport } from './report.js';

/** A patch that can be named by its id. */
export interface ListedPatch {
  readonly id: string;
  readonly folder: string;
  /** Where it comes from: the working folder, the user's folder of patches, or this program. */
  readonly origin: 'project' | 'user' | 'program';
  /** Absent when it has mistakes. */
  readonly title?: string | undefined;
  /** Rights of its steps, as far as the defaults of its parameters tell. */
  readonly needs: readonly Need[];
  /** Its mistakes. */
  readonly error?: ErrorReport | undefined;
}

export interface DescribedParameter {
  readonly name: string;
  readonly type: NonNullable<Parameter['type']>;
  /** Whether a build needs a value for it. */
  readonly required: boolean;
  readonly secret: boolean;
  readonly default?: string | readonly string[] | undefined;
  readonly choices?: readonly string[] | undefined;
  readonly pattern?: string | undefined;
  readonly description: string;
}

export interface DescribedStep {
  readonly kind: string;
  /** With the defaults of the parameters, and `NAME` for those without one. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** The condition, as it is written. */
  readonly when?: unknown;
  readonly line: number;
}

/** One patch, explained. */
export interface PatchDescription {
  readonly id: string;
  readonly folder: string;
  readonly title: string;
  readonly when?: unknown;
  readonly uses: readonly string[];
  readonly conflicts: readonly string[];
  readonly needs: readonly Need[];
  readonly parameters: readonly DescribedParameter[];
  readonly steps: readonly DescribedStep[];
  /** What a good boot shows, in a few words each, as it is written. */
  readonly expects: readonly string[];
  /** What it would do to an image; absent: none was named. */
  readonly image?: PlannedImage | undefined;
}

/** What the patch, with those that it uses, would do to an image. */
export interface PlannedImage {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly plan: PlanReport;
  /** Why steps cannot succeed in the image. */
  readonly problems: readonly ErrorReport[];
}
