import type { Target } from '../../setup/targets/target.js';

/** The systems of CI whose form a matrix may have. */
export const matrixForms = ['github', 'gitlab'] as const;
export type MatrixForm = (typeof matrixForms)[number];

/** Jobs that a workflow of GitHub may have of one matrix. */
const mostGithub = 256;

/**
 * What a system of CI makes a job for each target of: `strategy.matrix` of a GitHub job (`include`), or a child pipeline of GitLab, whose
 * jobs extend `.moby-patch-target` of the file that the parent names.
 */
export function formatMatrix(targets: readonly Target[], form: MatrixForm): unknown {
  return form === 'github' ? formatGithub(targets) : formatGitlab(targets);
}

function formatGithub(targets: readonly Target[]) {
  return {
    include: targets.map(({ name, axes, architecture }) => ({
      ...axes,
      ...(architecture && { architecture }),
      target: name,
    })),
  };
}

/** JSON is YAML. */
function formatGitlab(targets: readonly Target[]) {
  return Object.fromEntries(
    targets.map(({ name, architecture }) => [
      name,
      {
        extends: '.moby-patch-target',
        variables: { TARGET: name, ...(architecture && { ARCHITECTURE: architecture }) },
      },
    ]),
  );
}

/** Why GitHub would not take a matrix; undefined: it will. */
export function findMatrixFault(targets: readonly Target[], form: MatrixForm): string | undefined {
  if (form !== 'github' || targets.length <= mostGithub) return undefined;
  return `${targets.length} targets, and GitHub takes ${mostGithub} jobs of one matrix`;
}
