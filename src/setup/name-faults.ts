import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileToJoin } from '../io/file/join-files.js';
import { findReplaced } from '../io/place/replaced-inputs.js';
import { listWritten } from '../io/place/written-files.js';
import type { BuildRequest } from '../model/build.js';
import type { MobyPatchError } from '../model/error/error.js';
import type { NamedOutput } from '../model/place.js';
import { type ChosenOutput, findSameNames } from './choose-output.js';

/** Checks of the output look at a folder in which something can be written. */
export const unwritten: ChosenOutput = { output: join(tmpdir(), 'moby-patch.img'), split: false };

interface WrittenFiles {
  readonly writes?: boolean;
  readonly beside?: readonly NamedOutput[];
}

/** Two files of one name, and what would be written in the place of an input. */
export function listNameFaults(
  request: Pick<BuildRequest, 'output' | 'split' | 'provenance' | 'verify' | 'reads'>,
  files: readonly FileToJoin[],
  { writes = true, beside = [] }: WrittenFiles,
): readonly MobyPatchError[] {
  const { output, split = false, reads = [] } = request;
  const names = files.map(({ name }) => name);
  const written = [...(writes ? listWritten(request, names) : []), ...beside];
  return [...(writes ? findSameNames({ output, split }, files) : []), ...findReplaced(written, reads)];
}
