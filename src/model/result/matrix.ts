import type { ErrorReport } from '../error/error.js';
import type { Proof } from './bisection.js';

/** One set of patches in one image. */
export interface MatrixCell {
  readonly image: string;
  /** Their names, in order. */
  readonly patches: readonly string[];
  /** `no effect`: conditions leave out all steps; `error`: nothing is known. */
  readonly state: 'passed' | 'refused' | 'no effect' | 'error';
  readonly proof?: Proof | undefined;
  readonly error?: ErrorReport | undefined;
}

/** The value of `matrix --json`. */
export interface Matrix {
  readonly version: 1;
  readonly images: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Row by row. */
  readonly cells: readonly MatrixCell[];
  readonly boots: number;
}
