import { MobyPatchError } from '../model/error/error.js';
import type { Step } from '../model/patch/patch.js';
import type { Workspace } from '../model/patch/workspace.js';

export interface Rehearsal {
  /** Of the steps that cannot succeed in this image. */
  readonly problems: readonly MobyPatchError[];
  /** What the steps say of the image, such as "found no cron service that the boot starts". */
  readonly notes: readonly string[];
  /** How many steps were looked at. */
  readonly count: number;
}

/** Bytes of files that a rehearsed step may bring. Larger ones would be read twice for seconds. */
const mostPayload = 64 * 2 ** 20;

/**
 * Applies the steps that need no commands to a workspace of its own, to find those that will fail. It ends at the first step
 * with commands: what they do to the image is unknown.
 */
export async function rehearseSteps(
  steps: readonly Step[],
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const problems: MobyPatchError[] = [];
  const notes: string[] = [];
  let count = 0;
  for (const step of steps) {
    signal.throwIfAborted();
    const isCommand = step.needs.length > 0;
    const size = [...step.payload.values()].reduce((sum, content) => sum + content.size, 0);
    if (!isCommand && size > mostPayload) break;
    count += 1;
    try {
      const outcome = await (isCommand ? step.foresee?.(workspace, signal) : step.apply(workspace, signal));
      notes.push(...describeNotes(step.summary, outcome?.notes ?? []));
    } catch (error) {
      if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
      problems.push(error);
    }
    if (isCommand) break;
  }
  return { problems, notes, count };
}

/** Several notes have the step above them. */
function describeNotes(summary: string, notes: readonly string[]): string[] {
  const [first, ...more] = notes;
  if (first === undefined) return [];
  return more.length === 0 ? [`${summary}: ${first}`] : [summary, ...notes.map((note) => `  ${note}`)];
}
