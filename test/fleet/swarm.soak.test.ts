import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { declareTest } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';
import { noFleet, registry, startFleetBench, toolImage } from './fleet-bench.js';

const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];
/** With the password "word". */
const account = 'me:$2b$04$jrwvD7qUAZZhU3dYAyTSdeOwIIxohtf32ijl3uXPJkci/j.80owlC';
const place = `oci://${registry}/fleet`;

declareTest(
  noFleet,
  'a Swarm builds all targets, each once, with the bytes of a build here, although the coordinator is killed',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const text = `image: initrd.img\npatches: [motd]\ntargets:\n  vm:\n    matrix: {rack: [${names.join(', ')}]}\n    settings: {name: "\${rack}"}\n`;
    await writeFile(join(folder, 'moby-patch.yaml'), text);
    await using bench = await startFleetBench(t, folder);
    bench.docker('swarm', 'init', '--advertise-addr', '172.17.0.1');
    const options = ['--on', 'swarm', '--image', toolImage, '--network', 'host', '--no-verify'];
    const start = (...more: string[]) =>
      bench.start('fleet', 'build', ...options, '--max-concurrent', '2', '--registry', place, ...more);
    const first = start();
    const states = async () =>
      (await bench.ask('fleet', 'status', '--registry', place)).match(/ done /g)?.length ?? 0;
    while ((await states()) === 0) await delay(500);
    first.kill('SIGKILL');
    const second = start('--json');
    const printed = Buffer.concat(await second.stdout.toArray()).toString();
    if (second.exitCode === null) await once(second, 'exit');
    t.is(second.exitCode, 0, printed);
    const { jobs } = JSON.parse(printed) as { jobs: { name: string; state: string; reference: string }[] };
    t.true(jobs.length === names.length && jobs.every(({ state }) => state === 'done'));

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
    await writePatch(
      folder,
      `title: A token\nparameters:\n  token: {description: it, secret: true}\nsteps:\n  - file: {path: etc/token, content: "\${token}", mode: "0600", stores-secret: true}\n`,
    );
    await writeFile(
      join(folder, 'moby-patch.yaml'),
      'image: initrd.img\npatches: [motd]\ntargets:\n  one: {}\n',
    );
    await using bench = await startFleetBench(t, folder, `${account}\n`);
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
    const without = bench.start('fleet', 'build', ...options, '--json');
    const refused = Buffer.concat(await without.stdout.toArray()).toString();
    if (without.exitCode === null) await once(without, 'exit');
    t.is(without.exitCode, 5);
    t.regex(refused, /"registry-refused".*docker login/s);
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
