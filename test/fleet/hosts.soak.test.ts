import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { createTestFolder } from '../fixtures/archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';
import { type FleetBench, loadTool, noFleet, place, startFleetBench, toolImage } from './fleet-bench.js';

const port = 2222;

/** A machine with Docker that is reached by ssh: an sshd with keys of its own, in the namespace of the daemon. Returns a folder with `ssh` for PATH. */
async function startSshd(t: ExecutionContext, bench: FleetBench): Promise<string> {
  const folder = await createTestFolder(t);
  const at = (name: string) => join(folder, name);
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  await writeFile(at('known'), `[127.0.0.1]:${port} ${await readFile(at('host.pub'), 'utf8')}`);
  const server = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('user.pub')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'UsePAM no',
    `SetEnv DOCKER_HOST=${bench.daemon.host}`,
  ];
  await writeFile(at('sshd_config'), `${server.join('\n')}\n`);
  const client = [`IdentityFile ${at('user')}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${at('known')}`];
  await writeFile(at('ssh_config'), `${client.join('\n')}\n`);
  await mkdir(at('bin'));
  await writeFile(at('bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${at('ssh_config')} "$@"\n`);
  await chmod(at('bin/ssh'), 0o755);
  await mkdir('/run/sshd', { recursive: true });
  const [enter = '', ...argv] = bench.inside(['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')]);
  const sshd = spawn(enter, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => sshd.kill());
  for await (const line of sshd.stderr) if (/listening/.test(String(line))) break;
  return at('bin');
}

declareTest(
  noFleet ?? findMissingProgram('sshd', 'ssh', 'ssh-keygen'),
  'a pool of machines that are reached by ssh builds all targets, with the bytes of a build here',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const text = `image: initrd.img\npatches: [motd]\ntargets:\n  vm:\n    matrix: {rack: [r1, r2, r3]}\n    settings: {name: "\${rack}"}\n`;
    await writeFile(join(folder, 'moby-patch.yaml'), text);
    await using bench = await startFleetBench(t, { folder });
    await loadTool(t, [bench.daemon]);
    bench.environment.PATH = `${await startSshd(t, bench)}:${process.env.PATH}`;
    bench.environment.DOCKER_HOST = 'unix:///nowhere';
    const host = `ssh://${userInfo().username}@127.0.0.1:${port}`;
    const hosts = ['--host', host, '--host', host.replace('127.0.0.1', 'localhost')];
    const options = ['--on', 'hosts', ...hosts, '--image', toolImage, '--network', 'host', '--no-verify'];
    const { code, stdout } = await bench.run('fleet', 'build', ...options, '--registry', place, '--json');
    t.is(code, 0, stdout);
    const { jobs } = JSON.parse(stdout) as { jobs: { name: string; state: string; reference: string }[] };
    t.is(jobs.filter(({ state }) => state === 'done').length, 3);
    t.is((await runCli(folder, ['build', '--all', '--no-verify', '-q'])).code, 0);
    for (const { name, reference } of jobs) {
      await bench.ask('pull', reference, '-o', `${name}.pulled`);
      const [pulled, built] = [`${name}.pulled`, `out/${name}.img`].map((each) => join(folder, each));
      t.deepEqual(await readFile(pulled ?? ''), await readFile(built ?? ''));
    }
    t.is(bench.docker('ps', '-aq', '--filter', 'label=org.moby-patch.plan'), '');

    // So do steps of a build.
    bench.environment.DOCKER_HOST = host;
    t.regex(await bench.ask('doctor'), new RegExp(`Docker .* at ${host}`));
  },
);
