import { createTurns } from '../../../io/turns.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Put, Workspace } from '../../../model/patch/workspace.js';
import { createStepError, type StepContext } from '../step-context.js';
import { putIfDifferent } from '../workspace-files.js';

interface TreePut {
  /** The step, at the beginning of messages. */
  readonly what: string;
  /** Parents before what is in them. */
  readonly files: readonly Put[];
}

/**
 * Puts many files. A folder that the image has stays as it is, with its mode and owner, and so does a link to one. Errors
 * (`failed`) before anything is put: `path-is-directory`, `path-not-directory`.
 */
export async function putTree(
  workspace: Workspace,
  context: StepContext,
  { what, files }: TreePut,
): Promise<StepOutcome> {
  const wanted: Put[] = [];
  const turn = createTurns(context.signal);
  for (const file of files) {
    await turn();
    const there = await workspace.stat(file.path);
    const followed = there?.type === 'symlink' ? await workspace.follow(file.path) : there;
    if (file.type === 'directory' && followed?.type === 'directory') continue;
    if (file.type === 'directory' && there !== undefined)
      throw createStepError(
        context,
        'path-not-directory',
        `${what}: found a ${there.type} at ${file.path} in the image, wanted a directory or nothing`,
        { hint: `add a step before it: - remove: ${file.path}` },
      );
    if (file.type !== 'directory' && there?.type === 'directory')
      throw createStepError(
        context,
        'path-is-directory',
        `${what}: found a directory at ${file.path} in the image, wanted a file or nothing`,
        { hint: `add a step before it: - remove: ${file.path}` },
      );
    wanted.push(file);
  }
  let count = 0;
  for (const file of wanted) {
    await turn();
    if ((await putIfDifferent(workspace, file)).changed) count += 1;
  }
  return count === 0
    ? { changed: false }
    : { changed: true, notes: [`${count} of ${files.length} files and folders are new`] };
}
