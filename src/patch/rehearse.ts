import { MobyPatchError } from '../model/error/error.js';
import type { Step } from '../model/patch/patch.js';
import type { Workspace } from '../model/patch/workspace.js';
import { shortenText } from './steps/short-text.js';

export interface Rehearsal {
  /** Of the steps that cannot succeed in this image. */
  readonly problems: readonly MobyPatchError[];
  /** What the steps say of the image, such as "found no cron service that the boot starts". */
  readonly notes: readonly string[];
  /** How many steps were applied. */
  readonly count: number;
  /** Why the others were not, as the rest of a sentence; undefined where there are none. */
  readonly end?: string | undefined;
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
  const found = (count: number, end?: string): Rehearsal => ({ problems, notes, count, end });
  for (const [count, step] of steps.entries()) {
    signal.throwIfAborted();
    const isCommand = step.needs.length > 0;
    const size = [...step.payload.values()].reduce((sum, content) => sum + content.size, 0);
    if (!isCommand && size > mostPayload)
      return found(
        count,
        `"${shortenText(step.summary)}", whose files are large, and what follows it are tried by a build`,
      );
    try {
      const outcome = await (isCommand ? step.foresee?.(workspace, signal) : step.apply(workspace, signal));
      notes.push(...describeNotes(step.summary, outcome?.notes ?? []));
    } catch (error) {
      if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
      problems.push(error);
    }
    if (isCommand) return found(count, explainEnd(step, steps.length - count - 1));
  }
  return found(steps.length);
}

function explainEnd({ summary }: Step, behind: number): string {
  const what = behind === 0 ? 'it' : `it and the ${behind === 1 ? 'step' : `${behind} steps`} behind it`;
  return `"${shortenText(summary)}" runs commands in the image, so ${what} can only be tried by a build`;
}

/** Several notes have the step above them. */
function describeNotes(summary: string, notes: readonly string[]): string[] {
  const [first, ...more] = notes;
  if (first === undefined) return [];
  return more.length === 0 ? [`${summary}: ${first}`] : [summary, ...notes.map((note) => `  ${note}`)];
}
