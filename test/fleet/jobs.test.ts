import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type Docker from 'dockerode';
import type { Swarm, SwarmTask } from '#src/engine/docker/swarm.js';
import { groupJobs, type JobPlan, parsePlan } from '#src/fleet/jobs/job-plan.js';
import { readPlan } from '#src/fleet/jobs/job-states.js';
import { openJobStore } from '#src/fleet/jobs/job-store.js';
import { runJob } from '#src/fleet/jobs/run-job.js';
import { runOnSwarm } from '#src/fleet/jobs/run-on-swarm.js';
import { createServiceSpec } from '#src/fleet/jobs/swarm-service.js';
import { createSession } from '#src/setup/session.js';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { callMoby } from '../fixtures/command-context.js';
import { createTestSession } from '../fixtures/session.js';
import { startFakeRegistry } from '../registry/fake-registry.js';
import { fleetSchema } from '../report/fleet-schema.js';
import { job } from './container-job.js';

const text = `image: initrd.img
patches: [motd]
targets:
  edge:
    matrix: {site: [oslo, rome]}
    settings: {name: "\${site}"}
`;

async function createProject(t: ExecutionContext, configuration = text) {
  const folder = await createProjectFolder(t);
  const registry = await startFakeRegistry();
  t.teardown(() => registry[Symbol.asyncDispose]());
  await writePatch(folder, motd);
  await writeFile(join(folder, 'moby-patch.yaml'), configuration);
  const home = join(folder, 'home');
  const environment = { HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  const moby = (...args: string[]) => callMoby(args, folder, environment);
  const reference = `oci://${registry.host}/fleet`;
  const fleet = async (...args: string[]) => {
    const { stdout, stderr, code } = await moby('fleet', ...args, '--registry', reference, '--json');
    return { code, stderr, report: fleetSchema.parse(JSON.parse(stdout)) };
  };
  return { folder, registry, reference, moby, fleet };
}

test('the results of a fleet are in the registry, each once, with the bytes of a build here', async (t) => {
  const { folder, registry, reference, moby, fleet } = await createProject(t);
  const { report, code } = await fleet('build', '--no-verify');
  t.is(code, 0);
  t.deepEqual(
    report.jobs.map(({ name, state }) => [name, state]),
    [
      ['edge-oslo', 'done'],
      ['edge-rome', 'done'],
    ],
  );
  t.is((await moby('build', '--all', '--no-verify', '-q')).code, 0);
  t.is((await moby('pull', report.jobs[1]?.reference ?? '', '-o', 'pulled.img', '--json')).code, 0);
  t.deepEqual(await readFile(join(folder, 'pulled.img')), await readFile(join(folder, 'out/edge-rome.img')));

  // Again: the coordinator finds all there.
  const before = registry.requests.filter((line) => /PUT .*manifests\/job-/.test(line)).length;
  t.is(before, 2);
  t.is((await fleet('build', '--no-verify')).report.plan, report.plan);
  t.is(registry.requests.filter((line) => /PUT .*manifests\/job-/.test(line)).length, before);
  t.is(
    (await moby('fleet', 'run', `${reference}:plan-${report.plan}`, '--job', '0', '-q')).stdout,
    'edge-oslo: there\n',
  );
  t.is((await fleet('status')).code, 0);
  t.is((await moby('push', `${reference}:one`, 'out/edge-rome.img', '--unproven', '--json')).code, 0);
});

test('what a patch is at fault for is recorded, and is no matter of another machine', async (t) => {
  const { folder, moby, fleet, reference } = await createProject(t);
  await writePatch(folder, `${motd}  - file: {path: init, content: "\\0", mode: 0o644}\n`);
  const { report, code } = await fleet('build', '--no-verify');
  t.is(code, 1);
  t.is(report.jobs[0]?.error?.code, 'boot-hazard');
  const ran = await moby('fleet', 'run', `${reference}:plan-${report.plan}`, '--job', '0', '-q');
  t.is(ran.code, 0);
  t.regex(ran.stderr, /\[boot-hazard\]/);
});

test('a plan needs a registry, a folder with all files, and jobs that are there', async (t) => {
  const { folder, moby, reference, fleet } = await createProject(
    t,
    text.replace('initrd.img', '../other.img'),
  );
  const build = (...more: string[]) =>
    moby('fleet', 'build', '--registry', reference, '--no-verify', '-q', ...more);
  t.regex((await moby('fleet', 'status', '--registry', reference)).stderr, /\[fleet-plan\]/);
  await writeFile(join(folder, '../other.img'), await readFile(join(folder, 'initrd.img')));
  t.teardown(() => rm(join(folder, '../other.img'), { force: true }));
  t.regex((await build()).stderr, /outside of the project.*\[fleet-outside\]/);
  await writeFile(join(folder, 'moby-patch.yaml'), `${text}  last: {image: out/edge-rome.img}\n`);
  t.regex((await build()).stderr, /last is made from the output of edge-rome.*\[fleet-chain\]/);
  await writeFile(join(folder, 'moby-patch.yaml'), text);
  t.regex((await build('--on', 'swarm')).stderr, /\[(?:fleet-image|docker-absent)\]/);
  t.regex((await build('--on', 'hosts')).stderr, /\[option-wrong\]/);
  await fleet('build', '--no-verify');
  t.regex(
    (await moby('fleet', 'run', reference, '--job', '7')).stderr,
    /there is no job 7, wanted one from 0 to 1 \[fleet-job\]/,
  );
  t.regex((await moby('fleet', 'run', reference)).stderr, /found no number of a job/);
  t.regex(
    (await moby('fleet', 'run', `${reference}:1`, '--job', '0')).stderr,
    /wanted .*:plan-ID \[fleet-plan\]/,
  );
  t.regex((await build('--variable', 'A')).stderr, /wanted NAME=VALUE \[option-wrong\]/);
  t.throws(() => parsePlan({ version: 2 }, 'here'), { code: 'fleet-plan' });
  t.throws(
    () =>
      parsePlan(
        { ...plan, files: [{ path: '../x', digest: `sha256:${key}`, size: 1, executable: false }] },
        'here',
      ),
    {
      message: /leads out of the project/,
    },
  );
});

test('what a fleet is told each time stands in moby-patch.yaml, and the command line comes first', async (t) => {
  const { folder, reference, moby } = await createProject(t);
  const configure = (fleet: string) => writeFile(join(folder, 'moby-patch.yaml'), `${text}fleet: ${fleet}\n`);
  t.regex((await moby('fleet', 'status')).stderr, /needs a registry.*\[option-wrong\]\n.*fleet: \{registry:/);
  const pool = `{registry: "${reference}", on: kubernetes, image: i, max-concurrent: 1, variables: {A: 1}, constraints: [kvm=true]}`;
  await configure(pool);
  const printed = await moby('fleet', 'build', '--no-verify', '-q', '--image', 'mine');
  const [{ spec }] = JSON.parse(printed.stdout.toString()).items;
  t.like(spec, { parallelism: 1, backoffLimit: 6 });
  t.like(spec.template.spec, { nodeSelector: { kvm: 'true' } });
  t.like(spec.template.spec.containers[0], { image: 'mine', env: { 1: { name: 'A', value: '1' } } });
  t.is((await moby('fleet', 'status')).code, 3);
  await configure('{registry: "oci://host/a:tag", on: swarms, retry: 1}');
  const { stderr, code } = await moby('fleet', 'build');
  t.is(code, 2);
  for (const part of [
    /fleet\.registry.*without a tag/,
    /fleet\.on.*"swarm"/,
    /unknown key "retry", wanted .*retries/,
  ])
    t.regex(stderr, part);
});

test('a target that cannot be planned stops the others unless they go on, and is reported then', async (t) => {
  const broken = `${text}  bad: {patches: [./nowhere]}\n`;
  const { moby, fleet, reference } = await createProject(t, broken);
  const stopped = await moby('fleet', 'build', '--registry', reference, '--no-verify', '-q');
  t.is(stopped.code, 2);
  t.regex(stopped.stderr, /nowhere/);
  const { report, code } = await fleet('build', '--no-verify', '--keep-going');
  t.is(code, 2);
  t.deepEqual(
    report.jobs.map(({ name, state, error }) => [name, state, error?.code]),
    [
      ['edge-oslo', 'done', undefined],
      ['edge-rome', 'done', undefined],
      ['bad', 'failed', 'patch-unknown'],
    ],
  );
});

const key = 'a'.repeat(64);
const plan: JobPlan = {
  version: 1,
  program: '0',
  verify: true,
  files: [],
  jobs: [
    { name: 'a', key, architecture: 'amd64' },
    { name: 'b', key: 'b'.repeat(64), architecture: 'arm64' },
    { name: 'c', key: 'c'.repeat(64) },
  ],
};

test('jobs of one architecture go to its machines, with what the containers are told', (t) => {
  t.deepEqual(groupJobs(plan), [
    { architecture: 'amd64', count: 1 },
    { architecture: 'arm64', count: 1 },
    { architecture: 'any', count: 1 },
  ]);
  const secrets = new Map([['token', { id: '1', name: 'x' }]]);
  const spec = createServiceSpec({
    job,
    atOnce: 6,
    retries: 3,
    constraints: ['node.labels.kvm==true'],
    network: 'host',
    secrets,
  });
  t.like(spec, {
    Name: 'moby-patch-0123456789abcdef-arm64',
    Mode: { ReplicatedJob: { TotalCompletions: 20, MaxConcurrent: 6 } },
    TaskTemplate: {
      Placement: { Constraints: ['node.platform.arch==aarch64', 'node.labels.kvm==true'] },
      RestartPolicy: { Condition: 'on-failure', MaxAttempts: 3 },
    },
  });
  t.deepEqual(spec.TaskTemplate.ContainerSpec.Args, [
    'fleet',
    'run',
    'oci://r.example.com/fleet:plan-0123456789abcdef',
    '--architecture',
    'arm64',
    '--secret',
    'token=file:/run/secrets/token',
  ]);
  t.deepEqual(spec.TaskTemplate.ContainerSpec.Env, [
    'MOBY_PATCH_SLOT={{.Task.Slot}}',
    'DOCKER_CONFIG=/run/secrets',
    'A=b=c',
  ]);
});

async function publish(t: ExecutionContext) {
  const { folder, fleet, reference } = await createProject(t);
  const session = createTestSession(folder);
  await fleet('build', '--no-verify');
  const store = openJobStore(reference, session);
  return { session, store, done: await readPlan(store), folder };
}

const task: SwarmTask = { id: 't', slot: 0, node: 'a', state: 'running', message: '', fault: '' };
const swarmRun = {
  image: 'i',
  environment: [],
  secrets: new Map(),
  atOnce: 1,
  retries: 1,
  constraints: [],
  network: undefined,
};

test('a coordinator that is started again finds the services there, and what is done', async (t) => {
  const { session, store, done } = await publish(t);
  const made: string[] = [];
  const swarm = {
    createService: async ({ Name = '' }) => (made.includes(Name) ? undefined : made.push(Name) && 'id'),
    putSecret: async () => 'secret',
    listServices: async () => made,
    listTasks: async () => tasks,
    listArguments: async () => [],
    removeService: async (name: string) => void made.splice(made.indexOf(name), 1),
    removeEnded: async () => 0,
    removeSecrets: async () => {
      cleared += 1;
    },
  } as unknown as Swarm;
  let tasks: readonly SwarmTask[] = [];
  let cleared = 0;
  t.false(
    (await runOnSwarm({ ...swarmRun, planned: done, detach: false }, store, { swarm, session })).failed,
  );
  t.deepEqual(made, []);
  t.is(cleared, 1, 'what a detached run left is removed');
  const planned = { id: '0123456789abcdef', plan: { ...plan, jobs: [{ name: 'x', key }] } };
  const lines: string[] = [];
  const logged = { ...session, log: (line: string) => lines.push(line) };
  for (const _ of [1, 2]) {
    const report = await runOnSwarm({ ...swarmRun, planned, detach: true }, store, {
      swarm,
      session: logged,
    });
    t.deepEqual(report.jobs, [{ name: 'x', state: 'waiting' }]);
  }
  t.deepEqual(lines, [
    'service moby-patch-0123456789abcdef: 1 jobs',
    'service moby-patch-0123456789abcdef: there already',
  ]);
  t.is(cleared, 2, 'a service that runs keeps its secrets');
  tasks = [{ ...task, state: 'failed' }];
  await runOnSwarm({ ...swarmRun, planned, detach: true }, store, { swarm, session: logged });
  t.is(lines.at(-1), 'service moby-patch-0123456789abcdef: 1 jobs');
  t.is(cleared, 3, 'a new value of a secret needs a new secret');
  await store.write(`failed-${key}`, Buffer.from('{"kind":"failed","code":"patch-failed","message":"m"}'));
  const again = { ...swarmRun, planned, detach: true };
  tasks = [];
  const running = await runOnSwarm(again, store, { swarm, session });
  t.is(running.jobs[0]?.state, 'failed', 'its service is there: that is its failure');
  tasks = [{ ...task, state: 'failed' }];
  const anew = await runOnSwarm(again, store, { swarm, session });
  t.is(anew.jobs[0]?.state, 'waiting', 'a job that is begun again has not failed yet');
});

test('jobs on a node that is gone are begun anew on those that are left', async (t) => {
  const { session, store } = await publish(t);
  const specs: { readonly Args: string[]; readonly count: number }[] = [];
  let removed = 0;
  const swarm = {
    createService: async ({ TaskTemplate, Mode }: Docker.CreateServiceOptions) => {
      const { Args = [] } = (TaskTemplate as Docker.ContainerTaskSpec).ContainerSpec ?? {};
      specs.push({ Args, count: Mode?.ReplicatedJob?.TotalCompletions ?? 0 });
      // What the second service has left is done at once.
      if (specs.length === 2) await store.write(`job-${key}`, Buffer.from('{}'));
      return 'id';
    },
    listTasks: async () => [{ ...task, slot: 0, node: 'gone' }],
    listArguments: async () => [],
    listLostNodes: async () => new Set(['gone']),
    removeService: async () => {
      removed += 1;
    },
    listServices: async () => [],
    removeEnded: async () => 0,
    removeSecrets: async () => {},
  } as unknown as Swarm;
  const [first] = (await readPlan(store)).plan.jobs;
  const jobs = [...(first === undefined ? [] : [first]), { name: 'x', key }];
  const planned = { id: '0123456789abcdef', plan: { ...plan, jobs } };
  const report = await runOnSwarm({ ...swarmRun, planned, detach: false }, store, { swarm, session });
  t.false(report.failed);
  t.is(removed, 1);
  t.deepEqual(
    specs.map(({ Args, count }) => [Args.slice(-2), count]),
    [
      [['--left', '1'], 1],
      [['--left', '1'], 1],
    ],
  );
});

test('a machine that would build something else than was planned leaves the job to others', async (t) => {
  const { store, done, folder } = await publish(t);
  await using session = createSession({ folder, environment: { HOME: join(folder, 'home') }, cache: false });
  const jobs = done.plan.jobs.map((each) => ({ ...each, key }));
  const planned = { ...done, plan: { ...done.plan, jobs } };
  await t.throwsAsync(runJob({ planned, index: 0 }, store, session), { code: 'fleet-differs' });
});
