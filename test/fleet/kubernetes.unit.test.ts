import test from 'ava';
import type { Job } from 'kubernetes-types/batch/v1.js';
import { createKubernetesJob } from '#src/fleet/jobs/kubernetes-job.js';
import { job } from './container-job.js';

/** Keys of a value, however deep, that a type does not have. */
type UnknownKey<Value, Type> = 0 extends 1 & Value
  ? never
  : Value extends string | number | boolean | undefined
    ? never
    : Value extends readonly (infer Item)[]
      ? UnknownKey<Item, NonNullable<Type> extends readonly (infer Known)[] ? Known : never>
      : {
          [Key in keyof Value]-?: Key extends keyof NonNullable<Type>
            ? UnknownKey<Value[Key], NonNullable<Type>[Key]>
            : Key;
        }[keyof Value];

test('a manifest for Kubernetes has the keys and values of the published schema, and no other key', (t) => {
  const manifest = createKubernetesJob({
    job,
    atOnce: undefined,
    retries: 2,
    constraints: ['kvm=true'],
  });
  // The compiler holds it against the schema.
  const published: Job = manifest;
  const isKnown: [UnknownKey<typeof manifest, Job>] extends [never] ? true : false = true;
  t.true(isKnown);
  const { spec } = manifest;
  t.like(published.spec, { completionMode: 'Indexed', completions: 20, parallelism: 20, backoffLimit: 40 });
  t.deepEqual(spec.template.spec.nodeSelector, { 'kubernetes.io/arch': 'arm64', kvm: 'true' });
  const [container] = spec.template.spec.containers;
  t.deepEqual(container?.env.slice(1), [
    { name: 'DOCKER_CONFIG', value: '/run/secrets' },
    { name: 'A', value: 'b=c' },
  ]);
  t.deepEqual(spec.template.spec.volumes?.[0]?.secret, {
    secretName: 'moby-patch-0123456789abcdef',
    defaultMode: 0o400,
  });
});

for (const constraint of ['kvm', 'node.labels.kvm==true', 'a!=b', '=b'])
  test(`${constraint} is no constraint of Kubernetes`, (t) => {
    const options = { job, atOnce: undefined, retries: 2, constraints: [constraint] };
    t.throws(() => createKubernetesJob(options), { code: 'option-wrong', message: /wanted LABEL=VALUE/ });
  });
