import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInit, noBench } from '../boot/tiny-guest.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { cli } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { noFleet, place, startFleetBench } from '../fleet/fleet-bench.js';

const missing =
  noFleet ?? noBench ?? findMissingProgram('docker', 'debootstrap', 'slirp4netns', 'npm', 'tar');
/** Of the Dockerfile's base: the first release of Debian whose Node is new enough. */
const suite = 'trixie';

declareSerialTest(
  missing,
  'the container of the Dockerfile builds the same bytes and boots them, also as a job of a Swarm',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const context = join(folder, 'context');
    await mkdir(context);
    await copyFile('Dockerfile', join(context, 'Dockerfile'));
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', context]);
    // No registry is asked for a base: it is made here.
    const root = join(folder, 'root');
    execFileSync('debootstrap', ['--variant=minbase', suite, root, 'http://deb.debian.org/debian'], {
      stdio: 'pipe',
    });
    await using bench = await startFleetBench(t, { folder, network: true });
    const { docker } = bench;
    execFileSync('sh', ['-c', 'tar -C "$1" -c . | docker import - base', 'import', root], {
      env: bench.environment,
      stdio: 'pipe',
    });
    docker('build', '--build-arg', 'BASE=base', '--tag', 'moby-patch', context);

    const { kernel } = (await findKernel()) as { readonly kernel: string };
    await cp(kernel, join(folder, 'vmlinuz'));
    await writeTinyImage(join(folder, 'tiny.gz'), createInit('echo ready'));
    const run = (...args: readonly string[]) =>
      docker('run', '--rm', '-v', `${folder}:/work`, 'moby-patch', ...args);
    // Exit code 5 without a Docker daemon inside; what is written is the same.
    const found = docker(
      'run',
      '--rm',
      '--entrypoint',
      'sh',
      'moby-patch',
      '-c',
      'moby-patch doctor || test $? -eq 5',
    );
    for (const what of [
      'boot x86_64',
      ...['xz', 'zstd', 'lz4', 'lzo', 'bzip2'].map((codec) => `codec ${codec}`),
    ])
      t.true(found.includes(`yes  ${what.padEnd(16)} `), found);
    const build = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '-o'];
    run(...build, 'inside.img');
    execFileSync(process.execPath, [cli, ...build, 'outside.img'], { cwd: folder });
    t.deepEqual(await readFile(join(folder, 'inside.img')), await readFile(join(folder, 'outside.img')));
    t.regex(run('verify', 'tiny.gz', '--expect', '^ready'), /boot {5}passed/);

    // The same image runs the jobs of a Swarm, which boot what they build.
    const settings = 'image: tiny.gz\nkernel: vmlinuz\npatches: [motd]\nexpect: [{console: ^hello}]';
    await writeTinyImage(join(folder, 'tiny.gz'), createInit('cat /etc/motd'));
    await writeFile(
      join(folder, 'moby-patch.yaml'),
      `${settings}\ntargets:\n  one: {}\n  two: {settings: {name: two}}\n`,
    );
    docker('swarm', 'init', '--advertise-addr', '127.0.0.1');
    const options = ['--on', 'swarm', '--image', 'moby-patch', '--network', 'host', '--registry', place];
    const { code, stdout } = await bench.run('fleet', 'build', ...options, '--max-concurrent', '1', '--json');
    t.is(code, 0, stdout);
    const { jobs } = JSON.parse(stdout) as { jobs: { name: string; reference: string }[] };
    t.is(jobs.length, 2);
    execFileSync(process.execPath, [cli, 'build', '--all', '--no-verify', '-q'], { cwd: folder });
    for (const { name, reference } of jobs) {
      await bench.ask('pull', reference, '-o', `${name}.pulled`);
      const [pulled, built] = [`${name}.pulled`, `out/${name}.img`].map((each) => join(folder, each));
      t.deepEqual(await readFile(pulled ?? ''), await readFile(built ?? ''));
      const manifest = await readFile(join(folder, `${name}.pulled.manifest.json`), 'utf8');
      t.is(JSON.parse(manifest).verdict, 'passed');
    }
  },
);
