import { type ErrorDetails, MobyPatchError } from '../../model/error/error.js';
import type { ErrorCode } from '../../model/error/error-code.js';
import type { Position } from '../../model/patch/patch.js';
import type { Content } from '../../model/patch/workspace.js';
import { formatPosition } from '../../yaml/problems.js';

/** What is in a folder of the patch folder. */
export interface PayloadFile {
  /** From that folder, with slashes between names. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Whether anybody may run the file. */
  readonly executable: boolean;
  readonly target?: string | undefined;
  readonly content?: Content | undefined;
}

/** What a step gets beside its own value. */
export interface StepContext {
  /** Files of the patch folder, by the name that the step gives them; templates are filled in. */
  readonly payload: ReadonlyMap<string, Content>;
  /** Folders of the patch folder, by the name that the step gives them; parents come before what is in them. */
  readonly trees?: ReadonlyMap<string, readonly PayloadFile[]> | undefined;
  /** The parameters of the patch that are no secrets, by the names of their variables. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Variables of the step that hold secrets. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** The build's clock, in seconds since 1970. */
  readonly stamp: number;
  /** Where the step stands in the patch file. */
  readonly at: Position;
  /** Ends what takes long. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds of the processor's time that a regular expression may take; 5 unless given. */
  readonly patternLimit?: number | undefined;
}

export const defaultPatternLimit = 5;

/** The step is not possible in this image (`failed`); the path of the error is the step's place in the patch file. */
export function createStepError(
  context: StepContext,
  code: ErrorCode,
  message: string,
  details: Pick<ErrorDetails, 'hint' | 'output' | 'cause'> = {},
): MobyPatchError {
  return new MobyPatchError('failed', code, message, { ...details, path: formatPosition(context.at) });
}
