import type { Archive } from '../model/image/archive.js';
import type { ImageFacts } from '../model/patch/facts.js';
import type { Patch } from '../model/patch/patch.js';
import { detectInitOf } from '../tree/init-system.js';
import { resolvePath } from '../tree/resolve.js';
import { describeSystem } from '../verify/describe-system.js';
import { findProgram } from '../verify/preflight/programs.js';

/** What conditions look at. It reads bodies, so it is done only where there are conditions. */
export async function findFacts(patches: readonly Patch[], image: Archive): Promise<ImageFacts | undefined> {
  if (!patches.some(hasCondition)) return undefined;
  const { os, packageManagers } = await describeSystem(image);
  const program = await findProgram(image);
  return {
    os,
    packageManagers,
    init: detectInitOf(image.entries).name,
    architecture: program?.machine,
    has(path) {
      const end = resolvePath((at) => image.entries.get(at), path, true);
      return end !== undefined && image.entries.has(end);
    },
  };
}

function hasCondition({ when, steps, expects }: Patch): boolean {
  return [when, ...steps.map((step) => step.when), ...expects.map((expect) => expect.when)].some(
    (each) => each !== undefined,
  );
}
