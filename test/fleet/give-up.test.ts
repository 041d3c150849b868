import test, { type ExecutionContext } from 'ava';
import type Docker from 'dockerode';
import type { Swarm, SwarmTask } from '#src/engine/docker/swarm.js';
import type { JobPlan } from '#src/fleet/jobs/job-plan.js';
import { openJobStore } from '#src/fleet/jobs/job-store.js';
import { runLocally } from '#src/fleet/jobs/run-locally.js';
import { type PoolHost, runOnHosts } from '#src/fleet/jobs/run-on-hosts.js';
import { runOnSwarm } from '#src/fleet/jobs/run-on-swarm.js';
import { createSwarmTries } from '#src/fleet/jobs/swarm-tries.js';
import { createSession } from '#src/setup/session.js';
import { createTestFolder } from '../fixtures/archive.js';
import { startFakeRegistry } from '../registry/fake-registry.js';

const id = '0123456789abcdef';
const named = ['bad', 'x', 'y'].map((name, index) => ({ name, key: String(index).repeat(64) }));
const plan: JobPlan = { version: 1, program: 'p', verify: false, files: [], jobs: named };
const planned = { id, plan };
const task: SwarmTask = { id: 't', slot: 0, node: 'a', state: 'running', message: '', fault: '' };

const lost = { path: 'a', digest: `sha256:${'0'.repeat(64)}`, size: 1, executable: false };

async function openStore(t: ExecutionContext) {
  const registry = await startFakeRegistry();
  t.teardown(() => registry[Symbol.asyncDispose]());
  const folder = await createTestFolder(t);
  const session = createSession({ folder, environment: { HOME: folder }, cache: false });
  t.teardown(() => session[Symbol.asyncDispose]());
  return { session, store: openJobStore(`oci://${registry.host}/fleet`, session) };
}

test('a job that fails too often in a Swarm is given up with its reason, and the others are done without it', async (t) => {
  const { session, store } = await openStore(t);
  const lines: string[] = [];
  const specs: (readonly string[])[] = [];
  let tasks: SwarmTask[] = [];
  let cleared = 0;
  const swarm = {
    createService: async ({ TaskTemplate }: Docker.CreateServiceOptions) => {
      const { Args = [] } = (TaskTemplate as Docker.ContainerTaskSpec).ContainerSpec ?? {};
      specs.push(Args.slice(-2));
      // One at a time, and the first one always fails: the Swarm begins it again and again.
      const failed = { ...task, state: 'failed' };
      const first = [failed, { ...failed, id: 'u', message: 'no exit code' }, { ...task, id: 'v' }];
      tasks =
        specs.length === 1 ? first : [{ ...task, id: 'w', state: 'pending', fault: 'no suitable node' }];
      return 'id';
    },
    listTasks: async () => {
      const found = tasks;
      // Both are done when the second service has been seen.
      if (specs.length === 2)
        for (const { key: own } of named.slice(1)) await store.write(`job-${own}`, Buffer.from('{}'));
      return found;
    },
    readTaskLog: async (id: string) => (id === 't' ? 'a\nb\nno space\n' : ''),
    listLostNodes: async () => new Set(),
    removeService: async () => {
      tasks = [];
    },
    listServices: async () => [],
    removeEnded: async () => 0,
    removeSecrets: async () => {
      cleared += 1;
    },
  } as unknown as Swarm;
  const logged = { ...session, log: (line: string) => lines.push(line) };
  const run = {
    planned,
    image: 'i',
    environment: [],
    secrets: new Map(),
    atOnce: 1,
    retries: 1,
    constraints: [],
    network: undefined,
    detach: false,
  };
  const report = await runOnSwarm(run, store, { swarm, session: logged });
  t.deepEqual(
    report.jobs.map(({ state, error }) => [state, error?.code, error?.message]),
    [
      ['waiting', 'fleet-given-up', 'given up after 2 tries: node a: no exit code'],
      ['done', undefined, undefined],
      ['done', undefined, undefined],
    ],
  );
  t.deepEqual(specs, [
    ['run', `${store.reference}:plan-0123456789abcdef`],
    ['--left', '1,2'],
  ]);
  t.true(lines.includes('bad: try 1 of 2: node a: b no space'), lines.join('\n'));
  t.true(lines.includes('x waits: no suitable node'));
  t.true(cleared > 0, 'no secret stays behind');
});

test('what failed in a Swarm before this run does not count', async (t) => {
  const lines: string[] = [];
  const tries = createSwarmTries({
    retries: 0,
    swarm: { readTaskLog: async () => '' },
    log: (line) => lines.push(line),
  });
  const old = { ...task, state: 'rejected', message: 'No such image' };
  tries.ignore([old, { ...task, id: 'u' }]);
  await tries.note([old, { ...task, id: 'u' }], () => 'x');
  t.deepEqual([...tries.givenUp.keys()], []);
  await tries.note([old, { ...old, id: 'u' }], () => 'x');
  t.deepEqual([...tries.givenUp.keys()], ['x']);
  t.deepEqual(lines, ['x: try 1 of 1: node a: No such image']);
});

test('a job that this machine or every host fails at is told with the last fault', async (t) => {
  const { session, store } = await openStore(t);
  const lone = { ...planned, plan: { ...plan, jobs: named.slice(0, 1) } };
  const here = await runLocally(
    { planned: { ...lone, plan: { ...lone.plan, files: [lost] } }, retries: 1 },
    store,
    session,
  );
  t.is(here.get('bad')?.code, 'registry-missing');
  const host: PoolHost = {
    name: 'h',
    swarm: {
      runContainer: async () => ({ exitCode: 5, output: 'no space' }),
      removeEnded: async () => 0,
    } as unknown as Swarm,
  };
  const run = { planned: lone, image: 'i', environment: [], atOnce: 1, retries: 1, network: undefined };
  const there = await runOnHosts(run, store, { hosts: [host], session });
  t.is(there.get('bad')?.code, 'fleet-given-up');
  t.is(there.get('bad')?.message, 'given up after 2 tries: h: no space');
});

test('a job that dies on one machine of a pool is run on another, and a machine that only fails gets no more', async (t) => {
  const { session, store } = await openStore(t);
  const ran: string[] = [];
  const ended: string[] = [];
  const create = (name: string, exitCode: number): PoolHost => ({
    name,
    swarm: {
      runContainer: async ({ Env = [] }: { Env?: string[] }) => {
        ran.push(`${name} ${Env[0]?.split('=')[1]}`);
        return { exitCode, output: 'no space' };
      },
      removeEnded: async (label: string) => ended.push(`${name} ${label}`),
    } as unknown as Swarm,
  });
  const jobs = Array.from({ length: 8 }, (_, index) => ({
    name: `j${index}`,
    key: String(index).repeat(64),
  }));
  const planned = { id: '0123456789abcdef', plan: { ...plan, jobs } };
  const run = { planned, image: 'i', environment: [], atOnce: 1, retries: 3, network: undefined };
  await runOnHosts(run, store, { hosts: [create('good', 0), create('bad', 5)], session });
  const good = ran.filter((line) => line.startsWith('good')).map((line) => Number(line.slice(5)));
  t.deepEqual(good.sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.true(ran.filter((line) => line.startsWith('bad')).length <= 3);

  const label = 'org.moby-patch.plan=0123456789abcdef';
  t.deepEqual(ended, [`good ${label}`, `bad ${label}`], 'a killed coordinator may have left containers');

  // The other machine had nothing to do until the only job was given back.
  ran.length = 0;
  const lone = { ...run, planned: { ...planned, plan: { ...plan, jobs: jobs.slice(0, 1) } } };
  await runOnHosts(lone, store, { hosts: [create('bad', 5), create('good', 0)], session });
  t.deepEqual(ran, ['bad 0', 'good 0']);
});
