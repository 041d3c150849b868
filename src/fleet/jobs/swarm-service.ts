import type { ContainerJob } from './container-job.js';
import { listArguments, listVariables, nameJobs, secretFolder } from './container-job.js';

/** Label of everything that a plan has in a Swarm; its value is the id of the plan. */
export const planLabel = 'org.moby-patch.plan';

export interface ServiceOptions {
  readonly job: ContainerJob;
  readonly atOnce: number | undefined;
  /** How often a job is tried again; each time where there is room. */
  readonly retries: number;
  /** As of `docker service create --constraint`. */
  readonly constraints: readonly string[];
  /** A network of the Swarm, `host` for that of each machine. */
  readonly network: string | undefined;
  /** Name -> id of the Swarm's secret. */
  readonly secrets: ReadonlyMap<string, { readonly id: string; readonly name: string }>;
}

/** Architectures as nodes of a Swarm name themselves. */
const nodeArchitectures: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/**
 * A service that runs each job of a group to its end: the Swarm starts a job again elsewhere when its machine is gone or the job failed, and
 * never one that has ended well.
 */
export function createServiceSpec({ job, atOnce, retries, constraints, network, secrets }: ServiceOptions) {
  const { image, plan, group } = job;
  const architecture = group.architecture === 'any' ? undefined : group.architecture;
  const own =
    architecture === undefined
      ? []
      : [`node.platform.arch==${nodeArchitectures[architecture] ?? architecture}`];
  return {
    Name: nameJobs(job),
    Labels: { [planLabel]: plan },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        Args: listArguments(job),
        Env: listVariables(job, 'MOBY_PATCH_SLOT={{.Task.Slot}}'),
        Labels: { [planLabel]: plan },
        Secrets: [...secrets].map(([file, { id, name }]) => ({
          SecretID: id,
          SecretName: name,
          File: { Name: `${secretFolder}/${file}`, UID: '0', GID: '0', Mode: 0o400 },
        })),
      },
      RestartPolicy: { Condition: 'on-failure' as const, MaxAttempts: retries, Delay: 1_000_000_000 },
      Placement: { Constraints: [...own, ...constraints] },
      ...(network !== undefined && { Networks: [{ Target: network }] }),
    },
    Mode: {
      ReplicatedJob: {
        TotalCompletions: group.count,
        MaxConcurrent: Math.min(atOnce ?? group.count, group.count),
      },
    },
  };
}
