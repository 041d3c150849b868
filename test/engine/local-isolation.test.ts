import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openLocalRoot } from '#src/engine/local/executor.js';
import { removeAbandonedGroups } from '#src/engine/local/sandbox/groups.js';
import { noCache } from '#src/io/cache.js';
import { createScratch, removeAbandoned } from '#src/io/place/scratch.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { busybox, createRoot, inNamespaces, opened } from '../fixtures/local-executor.js';
import { createMemoryArchive } from '../fixtures/memory-archive.js';

/** Processes in whose command line or mounts a text stands. */
async function findTraces(text: string): Promise<string[]> {
  const traces: string[] = [];
  for (const pid of (await readdir('/proc')).filter(
    (name) => /^\d+$/.test(name) && name !== `${process.pid}`,
  )) {
    for (const file of ['cmdline', 'mountinfo']) {
      const content = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      if (content.includes(text)) traces.push(`${pid} ${file}`);
    }
  }
  return traces;
}

/** Control groups with names that begin like this, in any hierarchy. */
async function findGroups(prefix: string, folder = '/sys/fs/cgroup'): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory());
  const found = folders.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => join(folder, name));
  return [
    ...found,
    ...(await Promise.all(folders.map(({ name }) => findGroups(prefix, join(folder, name))))).flat(),
  ];
}

/** The name of the folder of the one root in a folder; control groups begin with it. */
async function nameOfRoot(parent: string): Promise<string> {
  return (await readdir(parent))[0] ?? 'none';
}

/** The kernel ends the processes of a namespace after its first one has ended; the runner's limit bounds the wait. */
async function waitForNoTraces(text: string): Promise<void> {
  while ((await findTraces(text)).length > 0) await wait(20);
}
inNamespaces('a command has its own processes, hostname, loopback and environment', async (t) => {
  process.env.MOBY_PATCH_SECRET = 'secret';
  await opened(await createRoot(), async ({ root, sh }) => {
    const environment = { STEP: 'a b', LD_PRELOAD: '/root/evil.so', PATH: '/bin' };
    const { output } = await root.run(['/bin/sh', '-ec', 'env; hostname; echo pid $$'], { environment });
    t.regex(output, /^STEP=a b$/m);
    t.regex(output, /^LD_PRELOAD=\/root\/evil.so$/m);
    t.regex(output, /^PATH=\/bin$/m);
    t.regex(output, /^localhost$/m);
    t.notRegex(output, /secret/);
    t.regex((await sh('echo pid $$')).output, /^pid 1$/m);
    t.regex((await sh('ifconfig lo')).output, /inet addr:127\.0\.0\.1[\s\S]*\bUP\b/);
    // The table's heading alone: there is no way out.
    t.is((await sh('cat /proc/net/route')).output.trim().split('\n').length, 1);
  });
});

inNamespaces('a command cannot reach the machine', async (t) => {
  await opened(await createRoot(), async ({ sh, parent }) => {
    const attempts = [
      // Opened and not written to: these are the machine's own when the isolation is broken.
      ': >>/proc/sys/kernel/core_pattern',
      ': >>/proc/sysrq-trigger',
      ': >>/sys/power/state',
      'mknod /root/disk b 7 0; busybox head -c 1 /root/disk',
      'mknod /dev/shm/disk b 7 0; busybox head -c 1 /dev/shm/disk',
      'busybox mount -t tmpfs none /root',
      'busybox mount -o remount,rw /proc',
      `ls ${parent}`,
      `ls /proc/1/root${parent}`,
    ];
    for (const attempt of attempts) t.not((await sh(attempt)).exitCode, 0, attempt);
    const { output } = await sh('grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status');
    t.regex(output, /CapBnd:\s+00000000080400db/);
    t.regex(output, /CapEff:\s+00000000080400db/);
    t.regex(output, /NoNewPrivs:\s+1/);
  });
});

inNamespaces('a command has no writable proc or sysfs, and none of the mounts of the machine', async (t) => {
  // Otherwise a user namespace may mount a writable one and write core_pattern with its user id 0.
  await opened(await createRoot(), async ({ sh, parent }) => {
    const { output } = await sh('cat /proc/self/mountinfo');
    const mounts = output.trim().split('\n');
    const kernel = mounts.filter((line) => / - (?:proc|sysfs) /.test(line));
    t.true(kernel.length > 0);
    for (const line of kernel) t.regex(line, / ro,/);
    // Field 4 is what is mounted, field 5 where: a process that breaks out of a chroot stands in the same root again.
    const points = mounts.map((line) => line.split(' ').slice(3, 5));
    t.regex(points.find(([, point]) => point === '/')?.[0] ?? '', new RegExp(`^${parent}/.*/root$`));
    for (const [, point] of points) t.regex(point ?? '', /^\/(?:(?:dev|proc|sys)(?:\/.*)?)?$/);
  });
});

inNamespaces('a command that takes too long is ended with all it started', async (t) => {
  await opened(await createRoot(), async ({ root, parent }) => {
    const script = 'setsid sleep 1000 & sleep 1000';
    const error = await t.throwsAsync(root.run(['/bin/sh', '-c', script], { timeout: 1 }), {
      instanceOf: MobyPatchError,
    });
    t.is(error?.code, 'command-timeout');
    t.regex(error?.message ?? '', /^\/bin\/sh did not finish within 1 s/);
    t.deepEqual(await findTraces(parent), []);
    t.deepEqual(await findGroups(await nameOfRoot(parent)), []);
  });
});

inNamespaces('a process that a command leaves behind ends with the command', async (t) => {
  await opened(await createRoot(), async ({ sh, parent }) => {
    t.is((await sh('setsid sleep 1000 & echo done')).output, 'done\n');
    t.deepEqual(await findTraces(parent), []);
    t.deepEqual(await findGroups(await nameOfRoot(parent)), []);
  });
});

inNamespaces('an abort ends a command that is deaf to SIGTERM and leaves nothing', async (t) => {
  await using scratch = await createScratch();
  const controller = new AbortController();
  const log = (line: string) => void (line === 'started' && controller.abort());
  const image = createMemoryArchive(await createRoot());
  const options = { signal: controller.signal, log, cache: noCache, parent: scratch.path };
  const root = await openLocalRoot(image, options);
  const running = root.run(['/bin/sh', '-c', 'trap "" TERM; echo started; sleep 1000'], {});
  const error = await t.throwsAsync(running, { instanceOf: MobyPatchError });
  t.is(error?.code, 'interrupted');
  await root[Symbol.asyncDispose]();
  t.deepEqual(await readdir(scratch.path), ['.owner']);
  t.deepEqual(await findTraces(scratch.path), []);
});

inNamespaces('after a kill -9 of this program no process and no mount is left', async (t) => {
  await using scratch = await createScratch();
  const child = spawn(process.execPath, ['--input-type=module', '-e', createVictim(scratch.path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const chunk of child.stdout) if (`${chunk}`.includes('started')) break;
  t.not((await findTraces(scratch.path)).length, 0);
  child.kill('SIGKILL');
  await ended;
  await waitForNoTraces(scratch.path);
  await removeAbandonedGroups();
  t.deepEqual(await findGroups(`moby-patch-${child.pid}-`), []);
  t.notRegex(await readFile('/proc/self/mounts', 'utf8'), new RegExp(scratch.path));
  t.is((await removeAbandoned(scratch.path, 'scratch')).folders.length, 1);
});

function createVictim(parent: string): string {
  const use = (specifier: string) => JSON.stringify(import.meta.resolve(specifier));
  return `
    import { openLocalRoot } from ${use('#src/engine/local/executor.js')};
    import { createMemoryArchive, sketchBusyboxRoot } from ${use('../fixtures/memory-archive.js')};
    const image = createMemoryArchive(await sketchBusyboxRoot(${JSON.stringify(busybox)}));
    const options = { signal: new AbortController().signal, log: console.log, parent: ${JSON.stringify(parent)} };
    const root = await openLocalRoot(image, options);
    await root.run(['/bin/sh', '-c', 'trap "" TERM HUP PIPE; echo started; sleep 1000'], {});
  `;
}
