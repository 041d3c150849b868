import { findMakers } from '../../setup/targets/find-makers.js';
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

/** What GitLab does not take for the name of a job, or takes for something else: https://docs.gitlab.com/ci/jobs/#job-names */
const gitlabKeywords: ReadonlySet<string> = new Set([
  ...['after_script', 'before_script', 'cache', 'default', 'image', 'include', 'services', 'spec', 'stages'],
  ...['types', 'variables', 'workflow', 'false', 'nil', 'null', 'true', 'pages'],
]);

/** No target has a colon in its name, so that no other job gets this one. */
function nameGitlabJob(name: string): string {
  return gitlabKeywords.has(name) ? `target:${name}` : name;
}

/** JSON is YAML. */
function formatGitlab(targets: readonly Target[]) {
  return Object.fromEntries(
    targets.map(({ name, architecture }) => [
      nameGitlabJob(name),
      {
        extends: '.moby-patch-target',
        variables: { TARGET: name, ...(architecture && { ARCHITECTURE: architecture }) },
      },
    ]),
  );
}

/** Why CI would not take a matrix, or would not make of it what `build --all` does. */
export function listMatrixFaults(targets: readonly Target[], form: MatrixForm): readonly string[] {
  const tooMany = form === 'github' && targets.length > mostGithub;
  const [chained] = findMakers(targets);
  return [
    ...(tooMany ? [`${targets.length} targets, and GitHub takes ${mostGithub} jobs of one matrix`] : []),
    ...(chained === undefined ? [] : [describeChained(chained[0], chained[1])]),
  ];
}

function describeChained({ name }: Target, makers: readonly Target[]): string {
  const [maker] = makers.map((each) => each.name);
  return `${name} is made from the output of ${maker}, and jobs of CI run side by side: build both in one job (--target ${maker} --target ${name})`;
}
