import type { JobGroup } from './job-plan.js';
import { formatNumbers } from './number-list.js';

/** What every container of a fleet is told. */
export interface ContainerJob {
  /** The image with this program, as machines pull it. */
  readonly image: string;
  /** `oci://HOST/REPOSITORY`. */
  readonly reference: string;
  /** Of the plan. */
  readonly plan: string;
  readonly group: JobGroup;
  /** Numbers of the jobs that are left, where not all of the group are; jobs are numbered among them. */
  readonly left?: readonly number[] | undefined;
  /** `NAME=VALUE`, besides ours. */
  readonly environment: readonly string[];
  /** Names of secret parameters; each is a file of this name in the folder of secrets. */
  readonly secrets: readonly string[];
  /** Whether the folder of secrets has the configuration of Docker, with the login at the registry. */
  readonly hasLogin: boolean;
}

/** Where containers find their secrets, in a Swarm and elsewhere. */
export const secretFolder = '/run/secrets';
export const loginFile = 'config.json';

/** The name of a group's jobs in an engine, by which a coordinator that is started again finds them. */
export function nameJobs({ plan, group: { architecture } }: ContainerJob): string {
  return `moby-patch-${plan}${architecture === undefined ? '' : `-${architecture}`}`;
}

/** The words behind the entry point; which job it is comes with a variable. */
export function listArguments({ reference, plan, group, left, secrets }: ContainerJob): string[] {
  return [
    'fleet',
    'run',
    `${reference}:plan-${plan}`,
    ...(group.architecture === undefined ? [] : ['--architecture', group.architecture]),
    ...(left === undefined ? [] : ['--left', formatNumbers(left)]),
    ...secrets.flatMap((name) => ['--secret', `${name}=file:${secretFolder}/${name}`]),
  ];
}

/** `index`: the variable with the number of the job. */
export function listVariables({ environment, hasLogin }: ContainerJob, index: string): string[] {
  return [index, ...(hasLogin ? [`DOCKER_CONFIG=${secretFolder}`] : []), ...environment];
}
