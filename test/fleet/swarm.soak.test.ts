import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd } from '../fixtures/dockerd.js';
import { cli } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';

const root = dirname(dirname(cli));
const registry = '127.0.0.1:5000';
const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];

/** A container image of Node, with its libraries, and of this program. */
async function createToolImage(t: ExecutionContext): Promise<string> {
  const folder = join(await createTestFolder(t), 'image');
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const path of [...libraries, process.execPath]) {
    const to = join(folder, path === process.execPath ? 'usr/bin/node' : path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(path, to, { dereference: true });
  }
  for (const name of ['tmp', 'root']) mkdirSync(join(folder, name));
  const list = ['ls', '--omit=dev', '--all', '--parseable'];
  const modules = execFileSync('npm', list, { cwd: root, encoding: 'utf8' })
    .split('\n')
    .slice(1)
    .filter(Boolean);
  for (const path of ['dist', 'package.json', 'patches', 'images', 'schema'])
    cpSync(join(root, path), join(folder, 'opt/moby-patch', path), { recursive: true });
  for (const path of modules)
    cpSync(path, join(folder, 'opt/moby-patch', path.slice(root.length)), { recursive: true });
  const tar = `${folder}.tar`;
  execFileSync('tar', ['-C', folder, '-cf', tar, '.']);
  return tar;
}

/** Containers with the network of the host have it mounted below the folder of the daemon, which could not be removed. */
function releaseNetwork(folder: string): AsyncDisposable {
  const path = join(folder, 'exec/netns/default');
  return { [Symbol.asyncDispose]: async () => void spawnSync('umount', ['-l', path]) };
}

declareTest(
  noDocker ?? findMissingProgram('docker-registry', 'nsenter', 'tar', 'ldd'),
  'a Swarm builds all targets, each once, with the bytes of a build here, although the coordinator is killed',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const text = `image: initrd.img\npatches: [motd]\ntargets:\n  vm:\n    matrix: {rack: [${names.join(', ')}]}\n    settings: {name: "\${rack}"}\n`;
    await writeFile(join(folder, 'moby-patch.yaml'), text);
    await using daemon = await startDockerd();
    await using _ = releaseNetwork(daemon.folder);
    const pid = readFileSync(join(daemon.folder, 'pid'), 'utf8').trim();
    const inside = (argv: readonly string[]) => ['-t', pid, '--net', ...argv];
    const docker = (...argv: string[]) =>
      execFileSync('docker', ['-H', daemon.host, ...argv], { encoding: 'utf8' });
    execFileSync('nsenter', inside(['ip', 'link', 'set', 'lo', 'up']));
    const change = [
      '--change',
      'ENTRYPOINT ["/usr/bin/node","/opt/moby-patch/dist/cli.js"]',
      '--change',
      'ENV HOME=/root',
    ];
    docker('import', ...change, await createToolImage(t), 'moby-patch:test');
    docker('swarm', 'init', '--advertise-addr', '172.17.0.1');
    const store = join(folder, 'registry');
    await mkdir(store);
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: store } },
      http: { addr: registry },
    };
    await writeFile(join(folder, 'registry.yml'), JSON.stringify(config));
    const serve = ['docker-registry', 'serve', join(folder, 'registry.yml')];
    const server = spawn('nsenter', inside(serve), { stdio: 'ignore' });
    t.teardown(() => server.kill());

    const env = { ...daemon.environment, XDG_CACHE_HOME: join(folder, 'cache') } as NodeJS.ProcessEnv;
    const place = `oci://${registry}/fleet`;
    const options = [
      '--on',
      'swarm',
      '--image',
      'moby-patch:test',
      '--network',
      'host',
      '--no-verify',
      '--max-concurrent',
      '2',
    ];
    const start = (...argv: readonly string[]) =>
      spawn('nsenter', inside([process.execPath, cli, 'fleet', ...argv, '--registry', place]), {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    const ask = async (...argv: readonly string[]) => {
      const child = start(...argv);
      const printed = await child.stdout.toArray();
      return Buffer.concat(printed).toString();
    };
    const first = start('build', ...options);
    const states = async () => (await ask('status')).match(/ done /g)?.length ?? 0;
    while ((await states()) === 0) await delay(500);
    first.kill('SIGKILL');
    const second = start('build', ...options, '--json');
    const printed = Buffer.concat(await second.stdout.toArray()).toString();
    if (second.exitCode === null) await once(second, 'exit');
    t.is(second.exitCode, 0, printed);
    const { jobs } = JSON.parse(printed) as { jobs: { name: string; state: string; reference: string }[] };
    t.true(jobs.length === names.length && jobs.every(({ state }) => state === 'done'));

    t.is((await runCli(folder, ['build', '--all', '--no-verify', '-q'])).code, 0);
    for (const { name, reference } of jobs) {
      const pull = [process.execPath, cli, 'pull', reference, '-o', `${name}.pulled`];
      execFileSync('nsenter', inside(pull), { cwd: folder, env, stdio: 'ignore' });
      t.deepEqual(
        await readFile(join(folder, `${name}.pulled`)),
        await readFile(join(folder, `out/${name}.img`)),
      );
    }
  },
);
