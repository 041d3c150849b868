import { resolve } from 'node:path';
import type { LoadedConfiguration } from '../configuration.js';

/** One image that a project builds. */
export interface Target {
  readonly name: string;
  /** The axes of its matrix with their values. */
  readonly axes: Readonly<Record<string, string>>;
  /** As Docker names it; undefined: any machine builds it. */
  readonly architecture: string | undefined;
  /** With the options of this target in place of those of the file. */
  readonly configuration: LoadedConfiguration;
}

/** The path that a target writes: a file, or the folder of a `split` image. */
export function outputOf({ configuration: { folder, values } }: Target): string {
  return resolve(folder, values.output ?? values.split ?? '');
}
