import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { declareTest } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';
import { loadTool, noFleet, place, registry, startFleetBench, toolImage, waitFor } from './fleet-bench.js';
import { createSwarmNodes, killNode } from './swarm-nodes.js';

const names = Array.from({ length: 60 }, (_, index) => `r${index}`);
/** With the password "word". */
const account = 'me:$2b$04$jrwvD7qUAZZhU3dYAyTSdeOwIIxohtf32ijl3uXPJkci/j.80owlC';

declareTest(
  noFleet,
  'a Swarm of three builds all targets, each once, with the bytes of a build here, although the coordinator and a node are killed',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const text = `image: initrd.img\npatches: [motd]\ntargets:\n  vm:\n    matrix: {rack: [${names.join(', ')}]}\n    settings: {name: "\${rack}"}\n`;
    await writeFile(join(folder, 'moby-patch.yaml'), text);
    await using bench = await startFleetBench(t, { folder });
    const nodes = await createSwarmNodes(t, bench, 2);
    await loadTool(t, [bench.daemon, ...nodes]);
    const options = ['--on', 'swarm', '--image', toolImage, '--network', 'host', '--no-verify'];
    const build = ['fleet', 'build', ...options, '--max-concurrent', '6', '--registry', place, '--json'];
    const reach = async (wanted: number) => {
      for (let done = 0; done < wanted; await delay(500)) {
        const status = await bench.ask('fleet', 'status', '--registry', place);
        done = status.match(/ done /g)?.length ?? 0;
      }
    };
    const first = bench.start(...build);
    await reach(names.length / 5);
    first.kill('SIGKILL');
    const second = waitFor(bench.start(...build));
    await reach((2 * names.length) / 5);
    const [lost] = nodes;
    if (lost !== undefined) killNode(lost);
    const { code, stdout } = await second;
    t.is(code, 0, stdout);
    const { jobs } = JSON.parse(stdout) as { jobs: { name: string; state: string; reference: string }[] };
    t.true(jobs.length === names.length && jobs.every(({ state }) => state === 'done'));
    const stored = (await readFile(bench.requests, 'utf8')).match(/"PUT \S+\/manifests\/job-\w+/g) ?? [];
    t.is(new Set(stored).size, names.length);
    // A job that was at work on the node that died may have stored its result before, and another node finds that.
    t.is(stored.length, names.length);

    t.is((await runCli(folder, ['build', '--all', '--no-verify', '-q'])).code, 0);
    for (const { name, reference } of jobs) {
      await bench.ask('pull', reference, '-o', `${name}.pulled`);
      t.deepEqual(
        await readFile(join(folder, `${name}.pulled`)),
        await readFile(join(folder, `out/${name}.img`)),
      );
    }
  },
);

declareTest(
  noFleet,
  'a secret of a patch and the login at a registry reach the jobs of a Swarm as its secrets alone',
  async (t) => {
    const folder = await createProjectFolder(t);
    const patch = (mode: string) =>
      `title: A token\nparameters:\n  token: {description: it, secret: true}\nsteps:\n  - file: {path: etc/token, content: "\${token}", mode: "${mode}", stores-secret: true}\n`;
    await writePatch(folder, patch('0600'));
    await writeFile(
      join(folder, 'moby-patch.yaml'),
      'image: initrd.img\npatches: [motd]\ntargets:\n  one: {}\n',
    );
    await using bench = await startFleetBench(t, { folder, accounts: `${account}\n` });
    await loadTool(t, [bench.daemon]);
    bench.docker('swarm', 'init', '--advertise-addr', '172.17.0.1');
    const login = { auths: { [registry]: { auth: Buffer.from('me:word').toString('base64') } } };
    await mkdir(join(folder, 'login'));
    await writeFile(join(folder, 'login/config.json'), JSON.stringify(login), { mode: 0o600 });
    await writeFile(join(folder, 'token'), 'kept-to-itself\n', { mode: 0o600 });
    const options = [
      '--on',
      'swarm',
      '--image',
      toolImage,
      '--network',
      'host',
      '--no-verify',
      '--registry',
      place,
    ];
    const secrets = ['--secret', 'token=file:token', '--login', 'login/config.json'];
    const refused = await bench.run('fleet', 'build', ...options, '--json');
    t.is(refused.code, 5);
    t.regex(refused.stdout, /"registry-refused".*docker login/s);
    bench.environment.DOCKER_CONFIG = join(folder, 'login');
    const detach = () => bench.ask('fleet', 'build', ...options, ...secrets, '--detach');
    const left = () => bench.docker('secret', 'ls', '-q') + bench.docker('service', 'ls', '-q');
    // The values, also as the API of Docker would have them.
    const values = /kept-to-itself|a2VwdC10by1pdHNlbG|me:word|bWU6d29y/;

    await detach();
    const seen = bench.docker('service', 'inspect', ...bench.docker('service', 'ls', '-q').split('\n', 1));
    t.regex(seen, /"Name": "\/run\/secrets\/token"/);
    t.regex(seen, /"Name": "\/run\/secrets\/config.json"/);
    t.notRegex(seen, values);
    await bench.ask('fleet', 'cancel', '--registry', place);
    t.is(left(), '');

    // Another job: the one before may have been done when it was cancelled.
    await writePatch(folder, patch('0400'));
    await detach();
    while (!/ done /.test(await bench.ask('fleet', 'status', '--registry', place))) await delay(500);
    const containers = bench.docker('ps', '-aq').split('\n').filter(Boolean);
    t.true(containers.length > 0);
    t.notRegex(bench.docker('inspect', ...containers), values);
    t.not(left(), '');
    const { jobs } = JSON.parse(await bench.ask('fleet', 'build', ...options, ...secrets, '--json'));
    t.is(jobs[0].state, 'done');
    t.is(left(), '');
    await bench.ask('pull', jobs[0].reference, '-o', 'pulled.img');
    t.is((await runCli(folder, ['cat', 'pulled.img', 'etc/token'])).stdout.toString(), 'kept-to-itself');
  },
);
