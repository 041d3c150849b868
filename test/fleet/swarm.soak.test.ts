import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { declareTest } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';
import { noFleet, registry, startFleetBench, toolImage } from './fleet-bench.js';

const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];
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
