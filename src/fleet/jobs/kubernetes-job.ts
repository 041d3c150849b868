import { MobyPatchError } from '../../model/error/error.js';
import type { ContainerJob } from './container-job.js';
import { listArguments, nameJobs, secretFolder } from './container-job.js';

export interface KubernetesOptions {
  readonly job: ContainerJob;
  readonly atOnce: number | undefined;
  readonly retries: number;
  /** Labels of nodes: `kvm=true`. */
  readonly constraints: readonly string[];
}

/** Error (`invalid`): `option-wrong` for what is a constraint of a Swarm. */
function parseLabel(text: string): readonly [string, string] {
  const [, label, value] = /^([^=!\s]+)=([^=\s]*)$/.exec(text) ?? [];
  if (label !== undefined && value !== undefined) return [label, value];
  const message = `found the constraint ${JSON.stringify(text)}, wanted LABEL=VALUE of a node`;
  throw new MobyPatchError('invalid', 'option-wrong', message, { hint: '--constraint kvm=true' });
}

/** An Indexed Job, which `kubectl apply -f -` takes. Secrets are those of a Secret of the plan's name, with a key for each. */
export function createKubernetesJob({ job, atOnce, retries, constraints }: KubernetesOptions) {
  const { image, plan, group, environment, secrets, hasLogin } = job;
  const architecture = group.architecture === 'any' ? undefined : group.architecture;
  const labels = { 'app.kubernetes.io/name': 'moby-patch', 'moby-patch/plan': plan };
  const hasSecrets = secrets.length > 0 || hasLogin;
  const selector = Object.fromEntries([
    ...(architecture === undefined ? [] : [['kubernetes.io/arch', architecture]]),
    ...constraints.map(parseLabel),
  ]);
  const variables = environment.map((each) => {
    const [variable = '', ...value] = each.split('=');
    return { name: variable, value: value.join('=') };
  });
  const placed = { nodeSelector: selector };
  const secret = { secretName: `moby-patch-${plan}`, defaultMode: 0o400 };
  const volumes = { volumes: [{ name: 'secrets', secret }] };
  const mounts = {
    volumeMounts: [{ name: 'secrets', mountPath: secretFolder, readOnly: true }],
  };
  const index = {
    fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
  };
  return {
    apiVersion: 'batch/v1' as const,
    kind: 'Job' as const,
    metadata: { name: nameJobs(job), labels },
    spec: {
      completionMode: 'Indexed',
      completions: group.count,
      parallelism: Math.min(atOnce ?? group.count, group.count),
      backoffLimit: retries * group.count,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          ...(Object.keys(selector).length > 0 && placed),
          containers: [
            {
              name: 'build',
              image,
              args: listArguments(job),
              env: [
                { name: 'MOBY_PATCH_JOB', valueFrom: index },
                ...(hasLogin ? [{ name: 'DOCKER_CONFIG', value: secretFolder }] : []),
                ...variables,
              ],
              ...(hasSecrets && mounts),
            },
          ],
          ...(hasSecrets && volumes),
        },
      },
    },
  };
}
