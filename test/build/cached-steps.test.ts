import { createHash } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createDockerEngine } from '#src/engine/docker/engine.js';
import { createLocalEngine } from '#src/engine/local/engine.js';
import { createWorkspace } from '#src/engine/workspace.js';
import { noCache, openCache } from '#src/io/cache.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Cache } from '#src/model/cache.js';
import type { Image } from '#src/model/image/archive.js';
import type { Engine } from '#src/model/patch/engine.js';
import type { StepReport } from '#src/model/result/report.js';
import { applySteps } from '#src/patch/apply-steps.js';
import { cacheSteps, openCachedSteps } from '#src/patch/cached-steps.js';
import { createPlan } from '#src/patch/plan.js';
import { writeImage } from '#src/repack/write-image.js';
import { createTinyArchive } from '../boot/tiny-image.js';
import { createTestFolder, openBytes, signal } from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { createPatch } from '../patch/support/patch-folder.js';

const stamp = 1_700_000_000;
let daemon: TestDaemon | undefined;
test.after.always(() => daemon?.[Symbol.asyncDispose]());

const engines: readonly [string | undefined, () => Promise<Engine>][] = [
  [noNamespaces, async () => createLocalEngine()],
  [
    noDocker ?? noBusybox,
    async () => {
      daemon ??= await startDockerd();
      return createDockerEngine(daemon.environment);
    },
  ],
];

/** Everything that can differ: removals, new and changed files, links, old and new times, owners, folders. */
const first = `
  - file: {path: etc/one, content: "1"}
  - run: "echo made > /etc/made; ln /etc/made /root/link; mkdir -p /new/folder; touch -d @1000 /new/folder/old; rm -r /etc/gone;
      ln -s made /etc/symlink; chmod 600 /etc/group; chown 5:6 /new; echo x >> /etc/split; rm /etc/file; mkdir /etc/file;
      chmod 4755 /etc/one; rmdir /etc/folder; echo file > /etc/folder"
`;
const steps = (last: string) => `steps:${first}
  - file: {path: etc/two, content: "2"}
  - run: "cat /etc/made /etc/one /etc/two /etc/split > /etc/all; rm /root/link; mv /etc/symlink /etc/moved; ${last}"
`;

async function openRoot(t: ExecutionContext): Promise<Image> {
  const more = ['env', 'rm', 'rmdir', 'ln', 'touch', 'chmod', 'chown', 'mv', 'mkfifo'];
  const folders = ['root', 'etc/gone', 'etc/folder', 'tmp'];
  const files = ['etc/group', 'etc/split', 'etc/file', 'etc/gone/a', 'etc/gone/b'];
  const archive = await createTinyArchive(undefined, [
    ...more.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, body: 'busybox' })),
    ...folders.map((path) => ({ path, type: 'directory' as const, mode: 0o755 })),
    ...files.map((path) => ({ path, body: `${path}\n` })),
  ]);
  return openBytes(t, archive);
}

interface Built {
  readonly digest: string;
  readonly cached: readonly boolean[];
  readonly log: string[];
  readonly warnings: readonly string[];
}

/** A build without its checks. */
async function build(
  t: ExecutionContext,
  engine: Engine,
  image: Image,
  yaml: string,
  cache: Cache,
): Promise<Built> {
  const plan = await createPlan({
    patches: [await createPatch(t, yaml)],
    settings: {},
    image: image.layout.sha256,
    stamp,
  });
  const log: string[] = [];
  const options = { signal, log: (line: string) => void log.push(line), stamp, cache };
  await using begun = await openCachedSteps(plan.steps, engine.name, cache);
  const from = begun?.state;
  await using workspace = createWorkspace({ ...options, image, engine, reads: plan.reads, from });
  const cached: boolean[] = [];
  const onStep = (step: StepReport) => void cached.push(step.cached);
  const applied = await applySteps(plan.steps, workspace, begun, { ...options, onStep });
  const changes = await workspace.changes();
  const hash = createHash('sha256');
  const spool = createSpool(await createTestFolder(t));
  for await (const piece of writeImage(image, changes, { spool })) hash.update(piece);
  await cacheSteps(applied, engine.name, cache);
  return { digest: hash.digest('hex'), cached, log, warnings: workspace.warnings() };
}

for (const [index, name] of ['local', 'docker'].entries()) {
  const [missing, create] = engines[index] ?? [];
  const check = (title: string, body: (t: ExecutionContext, engine: Engine, image: Image) => Promise<void>) =>
    declareSerialTest(missing, `${name}: ${title}`, async (t) => {
      if (create !== undefined) await body(t, await create(), await openRoot(t));
    });

  check('a build that begins after cached steps gives the same bytes', async (t, engine, image) => {
    const folder = await createTestFolder(t);
    const cache = openCache(folder, t.fail);
    const begun = await build(t, engine, image, steps('true'), cache);
    t.deepEqual(begun.cached, [false, false, false, false]);
    // One file after the first command, when the next step looked, and one at the end.
    t.is(
      (await readdir(join(folder, 'steps'), { recursive: true })).filter((path) => path.includes('/')).length,
      2,
    );
    const again = await build(t, engine, image, steps('true'), cache);
    t.deepEqual(again.cached, [true, true, true, true]);
    t.is(again.digest, begun.digest);
    t.regex(again.log.join('\n'), /4 of 4 steps.*nothing is started/);
    t.notRegex(again.log.join('\n'), /import|unpacked/);
    const other = await build(t, engine, image, steps('echo more >> /etc/all'), cache);
    t.deepEqual(other.cached, [true, true, false, false]);
    const alone = await build(t, engine, image, steps('echo more >> /etc/all'), noCache);
    t.deepEqual(alone.cached, [false, false, false, false]);
    t.is(other.digest, alone.digest);
    t.not(other.digest, begun.digest);
  });

  check('steps that failed, or whose changes are not all, are not cached', async (t, engine, image) => {
    const folder = await createTestFolder(t);
    const cache = openCache(folder, t.fail);
    const steps = () => access(join(folder, 'steps'));
    await t.throwsAsync(build(t, engine, image, 'steps:\n  - run: "echo > /x"\n  - run: "exit 3"\n', cache));
    await t.throwsAsync(steps);
    // An executor makes no fifo of a change, and what a command writes to a file of the engine's is in no change.
    for (const lost of ['mkfifo /fifo', 'echo 127.0.0.1 me >> /etc/hosts']) {
      await build(t, engine, image, `steps:\n  - run: "echo > /x; ${lost}"\n`, cache);
      await t.throwsAsync(steps, undefined, lost);
    }
    await build(t, engine, image, 'steps:\n  - file: {path: x, content: "1"}\n', cache);
    await t.throwsAsync(steps);
  });
}
