import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { connectDocker, probeDocker } from '#src/engine/docker/connect.js';
import { pruneDocker } from '#src/engine/docker/prune.js';
import { listOwnScratch } from '#src/io/place/own-scratch.js';
import type { Entry } from '#src/model/image/entry.js';
import {
  check,
  createFolder,
  listAll,
  listContainers,
  open,
  openEntries,
  pullEntries,
  pullNames,
  sh,
} from '../fixtures/docker-bench.js';
import { askDaemon } from '../fixtures/dockerd.js';
import { collect, sketchEntry } from '../fixtures/memory-archive.js';

check('closing leaves nothing, and stopping removes the container before that', async (t, bench) => {
  const { root } = await open(t, bench, []);
  await sh(root, 'echo marked > /mark');
  const before = await listAll(bench);
  t.is(before.length, 2);
  await root.pull();
  const [mark] = (await pullEntries(root)).filter(({ path }) => path === 'mark');
  const [id] = await listContainers(bench);
  const removed = askDaemon(bench.daemon, `/containers/${id}/wait?condition=removed`, 'POST');
  root.stop();
  await removed;
  t.is(
    (await collect(mark?.body() ?? Readable.from([]))).toString(),
    'marked\n',
    'bodies are not in the daemon',
  );
  await root[Symbol.asyncDispose]();
  t.deepEqual(await listAll(bench), []);
});

check('a command that takes too long is killed', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const error = await t.throwsAsync(root.run(['sh', '-c', 'echo begun; sleep 600'], { timeout: 1 }));
  t.like(error, { code: 'command-timeout', kind: 'failed', hint: 'begun' });
  t.deepEqual(await listContainers(bench, false), [], 'the command does not run on');
  await root[Symbol.asyncDispose]();
  t.deepEqual(await listAll(bench), []);
});

check(
  'a command ends before a process that it leaves behind, and a warning names that process',
  async (t, bench) => {
    const { root } = await open(t, bench, []);
    t.is(await sh(root, 'while :; do echo >> /grows; done & sleep 600 & echo started'), 'started\n');
    t.deepEqual(await pullNames(root), ['+ grows']);
    t.regex(root.warnings().join(), /left a process running.*sleep 600/);
    t.is(await sh(root, 'echo goes on'), 'goes on\n');
  },
);

check('a killed command differs from a failed one', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const result = await root.run(['sh', '-c', 'kill -9 $$'], {});
  t.is(result.exitCode, 137);
  t.regex(result.output, /memory/);
});

check('an abort ends a command, and closing still removes everything', async (t, bench) => {
  const abort = new AbortController();
  const { root, logged } = await open(t, bench, [], { signal: abort.signal });
  const running = root.run(['sh', '-c', 'echo begun; sleep 600'], {});
  await logged('begun');
  abort.abort();
  t.like(await t.throwsAsync(running), { kind: 'interrupted' });
  await root[Symbol.asyncDispose]();
  t.deepEqual(await listAll(bench), []);
});

check('a stopped daemon is one clear error, also while a command is silent', async (t, bench) => {
  const environment = { ...bench.daemon.environment, MOBY_PATCH_DOCKER_TIMEOUT: '2' };
  const { root, log, logged } = await open(t, bench, [], { environment });
  const running = root.run(['sh', '-c', 'echo begun; sleep 600'], {});
  await logged('begun');
  const pid = Number(await readFile(join(bench.daemon.folder, 'pid'), 'utf8'));
  process.kill(pid, 'SIGSTOP');
  try {
    t.like(await t.throwsAsync(running), { kind: 'infrastructure', code: 'docker-timeout' });
    await root[Symbol.asyncDispose]();
    t.regex(
      log.join('\n'),
      /nothing could be removed: .*did not list containers within 2 s; run moby-patch prune/,
    );
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await pruneDocker(await connectDocker(bench.daemon.environment), { all: true });
  t.deepEqual(await listAll(bench), []);
});

check('an abort during the import ends it, closes the source and leaves nothing', async (t, bench) => {
  const abort = new AbortController();
  let closed = false;
  let given = 0;
  const big: Entry = {
    ...sketchEntry({ path: 'big' }),
    size: 2 ** 32 - 1,
    async *body() {
      try {
        for (; ; given += 1) {
          if (given === 64) abort.abort();
          yield Buffer.alloc(64 * 1024);
        }
      } finally {
        closed = true;
      }
    },
  };
  const error = await t.throwsAsync(openEntries(t, bench, [...bench.root, big], { signal: abort.signal }));
  t.like(error, { kind: 'interrupted' });
  t.true(closed);
  t.true(given < 128, `the source went on to piece ${given}`);
  t.deepEqual(await listAll(bench), []);
});

check('an abort while a root is exported ends it, and closing removes everything', async (t, bench) => {
  const abort = new AbortController();
  const { root } = await open(t, bench, [], { signal: abort.signal });
  // Sparse: the daemon sends all of its zeros.
  await sh(root, 'dd if=/dev/zero of=/large bs=1 count=0 seek=4000000000');
  const pulled = root.pull();
  const scratch = listOwnScratch().map((folder) => join(folder, 'bodies'));
  const sizes = () => scratch.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  while (Math.max(...sizes()) === 0) await wait(10);
  abort.abort();
  t.like(await t.throwsAsync(pulled), { kind: 'interrupted' });
  t.true(Math.max(...sizes()) < 4_000_000_000);
  await root[Symbol.asyncDispose]();
  t.deepEqual(await listAll(bench), []);
});

check('an image with a broken body fails with that error, and leaves nothing', async (t, bench) => {
  const broken: Entry = {
    ...sketchEntry({ path: 'broken', content: 'x'.repeat(200_000) }),
    async *body() {
      yield Buffer.alloc(100_000);
      throw new Error('the disk is gone');
    },
  };
  await t.throwsAsync(openEntries(t, bench, [...bench.root, broken]), {
    message: 'the disk is gone',
  });
  t.deepEqual(await listAll(bench), []);
});

for (const [what, code, sketches] of [
  ['no shell', 'docker-shell', [{ path: 'bin/sh', type: 'symlink', target: 'nothing' }]],
  ['a shell that is a folder', 'docker-shell', [{ path: 'bin/sh', type: 'directory' }]],
  [
    'a shell for another processor',
    'docker-shell',
    [{ path: 'bin/sh', mode: 0o755, content: '\x7fELF\x02\x01\x01' }],
  ],
] as const) {
  check(`an image with ${what} is refused`, async (t, bench) => {
    const error = await t.throwsAsync(open(t, bench, sketches).then(({ root }) => root.run(['true'], {})));
    t.like(error, { name: 'MobyPatchError', code, path: 'bin/sh' });
  });
}

check('prune removes what a killed process left, and nothing of a living process', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const mine = await listAll(bench);
  const script = `
    import { createDockerExecutor } from '#src/engine/docker/executor.js';
    import { noCache } from '#src/io/cache.js';
    import { createMemoryArchive, sketchBusyboxRoot } from ${JSON.stringify(new URL('../fixtures/memory-archive.js', import.meta.url).href)};
    const image = createMemoryArchive(await sketchBusyboxRoot(${JSON.stringify(bench.busybox)}));
    const signal = new AbortController().signal;
    await createDockerExecutor(image, { environment: process.env, signal, log() {}, cache: noCache }).start();
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...bench.daemon.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const docker = await connectDocker(bench.daemon.environment);
  t.is((await listAll(bench)).length, 4);
  t.deepEqual(await pruneDocker(docker), { removed: [], failed: [] });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { removed, failed } = await pruneDocker(docker);
  t.deepEqual(
    removed.map(({ kind }) => kind),
    ['container', 'image'],
  );
  t.deepEqual(failed, []);
  t.deepEqual(await listAll(bench), mine);
  t.is(await sh(root, 'echo alive'), 'alive\n');
});

check("ssh is the system's own, with docker system dial-stdio behind it", async (t, bench) => {
  const folder = await createFolder(t);
  // A process's end closes its connection here.
  const witness = createServer();
  const ends: Promise<unknown>[] = [];
  witness.on('connection', (socket: Socket) => ends.push(once(socket.resume(), 'close')));
  await once(witness.listen(join(folder, 'witness')), 'listening');
  t.teardown(() => witness.close());
  const relay = `#!${process.execPath}
    const { connect } = require('net');
    connect(${JSON.stringify(join(folder, 'witness'))}).on('error', () => {}).unref();
    if (process.argv.includes('unknown')) { console.error('Host key verification failed.'); process.exit(255); }
    if (process.argv.includes('silent')) return setInterval(() => {}, 1000);
    const socket = connect(${JSON.stringify(bench.daemon.host.slice('unix://'.length))});
    process.stdin.pipe(socket).pipe(process.stdout);`;
  await writeFile(join(folder, 'ssh'), relay);
  await chmod(join(folder, 'ssh'), 0o755);
  const environment = {
    ...bench.daemon.environment,
    PATH: [folder, process.env.PATH].join(delimiter),
    DOCKER_HOST: 'ssh://me@remote:2222',
  };
  const readiness = await probeDocker(environment);
  t.true(readiness.ready, readiness.reason);
  const { root } = await open(t, bench, [], { environment });
  await sh(root, 'echo over ssh > /mark');
  t.deepEqual(await pullNames(root), ['+ mark']);
  await root[Symbol.asyncDispose]();
  t.deepEqual(await listAll(bench), []);
  const refused = await probeDocker({ ...environment, DOCKER_HOST: 'ssh://unknown' });
  t.false(refused.ready);
  t.regex(refused.reason, /ssh .*-- unknown docker system dial-stdio: Host key verification failed/);
  t.false((await probeDocker({ ...environment, DOCKER_HOST: 'ssh://silent' }, { seconds: 1 })).ready);
  t.true(ends.length > 1);
  await Promise.all(ends);
});

check('standard input reaches a command, and the daemon shows and logs nothing of it', async (t, bench) => {
  const { root, logged } = await open(t, bench, []);
  const input = 'a secret of one line\nand of a second line';
  const script =
    'read first; IFS= read -r second; echo ready; until [ -e /go ]; do sleep 0.1; done; echo "$first+$second" >/got';
  const running = root.run(['/bin/sh', '-c', `exec sh -c '${script}'`], { input: `${input}\n` });
  await logged('ready');
  const [id = ''] = await listContainers(bench, false);
  const container = (await askDaemon(bench.daemon, `/containers/${id}/json`)) as { ExecIDs: string[] };
  const commands = await Promise.all(
    container.ExecIDs.map((each) => askDaemon(bench.daemon, `/exec/${each}/json`)),
  );
  const processes = await askDaemon(bench.daemon, `/containers/${id}/top?ps_args=-eo%20pid,args`);
  const shown = JSON.stringify([container, commands, processes]);
  t.regex(shown, /until \[ -e \/go \]/);
  t.notRegex(shown, /secret of one/);
  await sh(root, 'touch /go');
  t.is((await running).exitCode, 0);
  t.is(await sh(root, 'cat /got'), `${input.replace('\n', '+')}\n`);
  t.is(
    (await root.run(['/bin/sh', '-c', 'exit 3'], { input: 'nobody reads it'.repeat(100_000) })).exitCode,
    3,
  );
  const log = await readFile(join(bench.daemon.folder, 'log'), 'utf8');
  t.regex(log, /until \[ -e \/go \]/, 'the daemon logs what it is asked');
  t.notRegex(log, /secret of one/);
});
