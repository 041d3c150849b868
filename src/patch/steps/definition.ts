import type { z } from 'zod';
import { MobyPatchError } from '../../model/error.js';
import type { Position, StepOutcome } from '../../model/patch.js';
import type { Need, Workspace } from '../../model/workspace.js';
import { formatPosition } from '../../yaml/problems.js';

/** What a step knows apart from its own value. */
export interface StepContext {
  /** Files of the patch folder, by the name the step gives them; templates are filled in. */
  readonly payload: ReadonlyMap<string, Uint8Array>;
  /** Seconds since 1970: what a command takes for "now" where it can be told. */
  readonly stamp: number;
  readonly at: Position;
}

/** One kind of step. `value` has passed `schema`, placeholders filled in. */
export interface StepDefinition<Value> {
  /** The key in the patch file and the name of the file in steps/. */
  readonly kind: string;
  readonly schema: z.ZodType;
  /** The step in one line, its kind first. */
  describe(value: Value): string;
  needs(value: Value): readonly Need[];
  /** Paths of the image whose state decides what the step does. */
  reads(value: Value): readonly string[];
  /** Files of the patch folder it uses; `template`: placeholders in it are filled in. */
  payload?(value: Value): readonly PayloadUse[];
  apply(value: Value, context: StepContext, at: Workspace): Promise<StepOutcome>;
}

export interface PayloadUse {
  readonly name: string;
  readonly template: boolean;
}

export type StepKind = StepDefinition<unknown>;

/** Ties the type of a step's value to its schema. */
export function defineStep<Schema extends z.ZodType>(
  definition: StepDefinition<z.output<Schema>> & { readonly schema: Schema },
): StepKind {
  return definition;
}

/** A step that cannot be done in this image; the place in the patch file comes with it. */
export function createStepError(
  context: StepContext,
  code: string,
  message: string,
  details: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
): MobyPatchError {
  return new MobyPatchError('failed', code, message, { ...details, path: formatPosition(context.at) });
}
