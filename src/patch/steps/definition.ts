import type { z } from 'zod';
import type { StepOutcome } from '../../model/patch.js';
import type { Need, Workspace } from '../../model/workspace.js';
import type { StepContext } from '../system/step-context.js';

/** What a kind of step is. A `value` has passed `schema`, with its placeholders filled in. */
export interface StepDefinition<Value = unknown> {
  /** The key in the patch file, and the name of the file in steps/. */
  readonly kind: string;
  readonly schema: z.ZodType;
  /** One line that begins with the kind. */
  describe(value: Value): string;
  needs(value: Value): readonly Need[];
  /** Paths of the image whose state decides what the step does. */
  reads(value: Value): readonly string[];
  /** Files of the patch folder that the step uses. */
  payload?(value: Value): readonly PayloadUse[];
  apply(value: Value, context: StepContext, workspace: Workspace): Promise<StepOutcome>;
}

export interface PayloadUse {
  readonly name: string;
  /** Whether placeholders in the file are filled in. */
  readonly template: boolean;
}

/** Ties the type of a step's value to its schema. */
export function defineStep<Schema extends z.ZodType>(
  definition: StepDefinition<z.output<Schema>> & { readonly schema: Schema },
): StepDefinition {
  return definition;
}
