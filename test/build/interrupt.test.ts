import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { isSoak, sampleBy } from '../fixtures/soak.js';

const missing = noDocker ?? findMissingProgram('qemu-system-x86_64', 'debootstrap', 'depmod');

const patch = `title: A command that takes its time
steps:
  - run: "echo in the command; sleep 1000"
`;
const quickPatch = `title: A command
steps:
  - run: "echo done > /etc/done"
`;

/** Where to interrupt: what is on standard error then. */
const moments: readonly [string, RegExp, string][] = [
  ['unpack', /unpack +\.\.\./, patch],
  ['patch, in a command', /patch +in the command/, patch],
  ['repack', /repack +\.\.\./, quickPatch],
  ['validate', /validate +\.\.\./, quickPatch],
  ['verify, in the guest', /verify .*booting/, quickPatch],
];

async function setUp(t: ExecutionContext, text: string): Promise<string> {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/slow'), { recursive: true });
  await mkdir(join(folder, 'tmp'));
  await writeFile(join(folder, 'patches/slow/patch.yaml'), text);
  await writeFile(join(folder, 'out.img'), 'precious');
  return folder;
}

interface Traces {
  readonly scratch: string[];
  readonly mounts: string;
  readonly docker: string;
  readonly processes: string;
}

/** All that a run with this temporary folder could leave behind; other tests run at the same time. */
async function findTraces(daemon: TestDaemon, folder: string): Promise<Traces> {
  const docker = (...args: string[]) =>
    execFileSync('docker', ['-H', daemon.host, ...args], { encoding: 'utf8' });
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return {
    scratch: await readdir(join(folder, 'tmp')),
    mounts: (await readFile('/proc/mounts', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(folder))
      .join('\n'),
    docker: docker('ps', '-aq') + docker('images', '-aq'),
    processes: processes.filter((line) => line.includes(folder)).join('\n'),
  };
}

let daemon: TestDaemon | undefined;
test.after.always(() => daemon?.[Symbol.asyncDispose]());

const interruptions = (['SIGINT', 'SIGTERM'] as const).flatMap((signal) =>
  (['docker', 'local'] as const).flatMap((engine) =>
    (signal === 'SIGINT' ? moments : moments.slice(1, 2)).map((moment) => ({ signal, engine, moment })),
  ),
);

/** A command with each engine, and what comes before and after it, which knows no engine. */
const isChosen = ({ signal, engine, moment: [name] }: (typeof interruptions)[number]) =>
  signal === 'SIGINT' &&
  (/command/.test(name) || engine === (/guest/.test(name) ? 'docker' : 'local')) &&
  !/repack/.test(name);

for (const { signal, engine, moment } of sampleBy(interruptions, isChosen)) {
  const [name, pattern, text] = moment;
  declareSerialTest(
    missing,
    `${signal} with the ${engine} engine during ${name}: nothing is left, nothing is lost`,
    async (t) => {
      daemon ??= await startDockerd();
      const folder = await setUp(t, text);
      const before = await findTraces(daemon, folder);
      let sent = false;
      const { code, stderr } = await runMoby(
        ['build', '-i', 'reference', '-p', 'slow', '-o', 'out.img', '--engine', engine],
        {
          folder,
          environment: { ...daemon.environment, TMPDIR: join(folder, 'tmp') },
          onLine(line, child) {
            if (sent || !pattern.test(line)) return;
            sent = true;
            child.kill(signal);
          },
        },
      );
      t.true(sent, stderr);
      t.is(code, 130, stderr);
      t.regex(stderr, new RegExp(`interrupted by ${signal}`));
      t.deepEqual(await findTraces(daemon, folder), before);
      t.deepEqual((await readdir(folder)).sort(), ['out.img', 'patches', 'tmp']);
      t.is(await readFile(join(folder, 'out.img'), 'utf8'), 'precious');
    },
  );
}

if (isSoak)
  declareSerialTest(
    missing,
    'SIGINT while builds keep something: the imported root stays, nothing else, until prune --cache',
    async (t) => {
      daemon ??= await startDockerd();
      const folder = await setUp(t, patch);
      const environment = {
        ...daemon.environment,
        TMPDIR: join(folder, 'tmp'),
        MOBY_PATCH_CACHE: join(folder, 'cache'),
      };
      const before = await findTraces(daemon, folder);
      for (const imported of [true, false]) {
        const { code, stderr } = await runMoby(
          ['build', '-i', 'reference', '-p', 'slow', '-o', 'out.img', '--engine', 'docker'],
          {
            folder,
            environment,
            onLine: (line, child) => void (/patch +in the command/.test(line) && child.kill('SIGINT')),
          },
        );
        t.is(code, 130, stderr);
        t.is(/importing/.test(stderr), imported, stderr);
        const { docker, ...others } = await findTraces(daemon, folder);
        t.regex(docker, /^\w+\n$/, 'one image');
        t.deepEqual({ ...others, docker: before.docker }, before);
      }
      t.deepEqual(
        (await readdir(join(folder, 'cache'))).sort(),
        ['import', 'member', 'root', 'scan'],
        'no step that did not end',
      );
      t.is((await runMoby(['prune', '--cache'], { folder, environment })).code, 0);
      t.deepEqual(await findTraces(daemon, folder), before);
    },
  );

declareSerialTest(
  missing,
  'what a SIGKILL leaves, prune removes: containers, images, folders, guests',
  async (t) => {
    daemon ??= await startDockerd();
    for (const [pattern, text] of [
      [/patch +in the command/, patch],
      [/verify .*booting/, quickPatch],
    ] as const) {
      const folder = await setUp(t, text);
      const before = await findTraces(daemon, folder);
      const { code } = await runMoby(
        ['build', '-i', 'reference', '-p', 'slow', '-o', 'out.img', '--engine', 'docker'],
        {
          folder,
          environment: { ...daemon.environment, TMPDIR: join(folder, 'tmp') },
          onLine: (line, child) => void (pattern.test(line) && child.kill('SIGKILL')),
        },
      );
      t.is(code, null);
      t.notDeepEqual(await findTraces(daemon, folder), before);
      const pruned = await runMoby(['prune'], {
        folder,
        environment: { ...daemon.environment, TMPDIR: join(folder, 'tmp') },
      });
      t.is(pruned.code, 0, pruned.stderr);
      t.deepEqual(await findTraces(daemon, folder), before);
      t.is(await readFile(join(folder, 'out.img'), 'utf8'), 'precious');
    }
  },
);
