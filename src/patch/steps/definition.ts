import type { z } from 'zod';
import type { InitName } from '../../model/patch/init.js';
import type { StepOutcome } from '../../model/patch/patch.js';
import type { Need, Workspace } from '../../model/patch/workspace.js';
import { createKeyFinder, type KeyFinder } from '../../yaml/schema-keys.js';
import type { StepContext } from '../system/step-context.js';
import type { Written } from './written.js';

/** What a kind of step is. A `value` has passed `schema`, with its placeholders filled in. */
export interface StepDefinition<Value = unknown> {
  /** The key in the patch file, and the name of the file in a folder of steps/. */
  readonly kind: string;
  readonly schema: z.ZodType;
  /** The keys that maps of a value may have. */
  readonly keysAt: KeyFinder;
  /** One line that begins with the kind. */
  describe(value: Value): string;
  needs(value: Value): readonly Need[];
  /** Paths of the image whose state decides what the step does. */
  reads(value: Value): readonly string[];
  /** What the step becomes in an image with this init system, a line each; absent: the same with every one. */
  becomes?(value: Value, init: InitName): readonly string[];
  /** The file of the image that the step was written for. */
  pin?(value: Value): PinnedFile | undefined;
  /** Files of the patch folder that the step uses. */
  payload?(value: Value): readonly PayloadUse[];
  /** What the step decides whatever was there, as far as it is known before it runs; lines added to a file are not. */
  writes?(value: Value, context: Pick<StepContext, 'payload' | 'trees'>): readonly Written[];
  /** Of a step that needs commands: throws where it cannot succeed in this image, and runs none. */
  foresee?(value: Value, context: StepContext, workspace: Workspace): Promise<void>;
  /** Absent: the step takes no secrets. */
  readonly secrets?: SecretRule<Value>;
  /** Absent: placeholders are filled in everywhere, and the step gets no variables. */
  readonly shell?: ShellRule;
  apply(value: Value, context: StepContext, workspace: Workspace): Promise<StepOutcome>;
}

export interface PinnedFile {
  readonly path: string;
  /** Its sha256, or the name of a copy of it in the patch folder; absent: any file will do. */
  readonly was?: string | undefined;
}

export interface PayloadUse {
  readonly name: string;
  /** Whether placeholders in the file are filled in. */
  readonly template: boolean;
  /** For a folder with all that is in it: globs of what is left out. */
  readonly exclude?: readonly string[];
  /** Bytes of a file that the step holds in memory; absent: it passes the file on, whatever its size. */
  readonly largest?: number;
  /** Whether a private key in the file is a mistake. */
  readonly isPublic?: boolean;
}

export interface SecretRule<Value = unknown> {
  /** Keys of the value in which a placeholder of a secret may stand. */
  readonly fields: readonly string[];
  /** Whether the step writes what stands there into the image, so that it needs `stores-secret: true`. */
  readonly writes: boolean;
  /** Whether the step says `stores-secret: true`: the image may hold them. */
  mayStore(value: Value): boolean;
  /** Names of secrets that the step gets as variables. */
  list?(value: Value): readonly string[];
  /** Variables that the step sets itself, some of them with a placeholder of a secret. */
  environment?(value: Value): Readonly<Record<string, string>>;
  /** Paths in the image that hold the secrets then; absent: unknown before the step has run. */
  stores?(value: Value): readonly string[];
}

/** For a step with a text that a shell reads. Its parameters are variables of the shell. */
export interface ShellRule {
  /** Whether a shell reads the text at this path of the value as it is written: nothing is filled in there. */
  isCode(path: readonly PropertyKey[], written: unknown): boolean;
}

/** A kind with its name and its schema as types, from which those of values written in TypeScript come. */
export interface TypedStep<Kind extends string, Schema extends z.ZodType> extends StepDefinition {
  readonly kind: Kind;
  readonly schema: Schema;
}

/** Ties the type of a step's value to its schema, which is made for a patch that has the step: to make all of them takes 12 ms. */
export function defineStep<const Kind extends string, Schema extends z.ZodType>({
  schema: makeSchema,
  ...definition
}: Omit<StepDefinition<z.output<Schema>>, 'keysAt' | 'kind' | 'schema'> & {
  readonly kind: Kind;
  readonly schema: () => Schema;
}): TypedStep<Kind, Schema> {
  let schema: Schema | undefined;
  let keysAt: KeyFinder | undefined;
  return {
    ...definition,
    get schema() {
      schema ??= makeSchema();
      return schema;
    },
    get keysAt() {
      keysAt ??= createKeyFinder(this.schema);
      return keysAt;
    },
  };
}
