import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { busybox, noNamespaces } from '../fixtures/local-executor.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { noProbes } from './system-call-probes.js';

const missing = noNamespaces ?? noProbes ?? findMissingProgram('unshare', 'nsenter', 'slirp4netns');
/** Of nobody: no user of a machine has these ids but by /etc/subuid. */
const firstId = 1_000_000;

/** Runs a script of node as root of a user namespace, who is nobody outside of it. */
async function runNested(t: ExecutionContext, script: string): Promise<string> {
  const holder = spawn('unshare', ['--user', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  for (const map of ['uid_map', 'gid_map'])
    await writeFile(`/proc/${holder.pid}/${map}`, `0 ${firstId} 65536\n`);
  const enter = ['--user', '--target', `${holder.pid}`, '--setuid', '0', '--setgid', '0'];
  const argv = [...enter, process.execPath, '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)('nsenter', argv);
  return stdout;
}

const use = (specifier: string) => JSON.stringify(import.meta.resolve(specifier));

declareTest(missing, 'without root of the machine, root of a user namespace is enough', async (t) => {
  const script = `
    import { openLocalRoot } from ${use('#src/engine/local/executor.js')};
    import { probeLocal } from ${use('#src/engine/local/probe.js')};
    import { createMemoryArchive, sketchBusyboxRoot, sketchEntry } from ${use('../fixtures/memory-archive.js')};
    import { forkProgram, sketchProbeRoot, runProbe } from ${use('./system-call-probes.js')};
    const readiness = await probeLocal();
    const owned = sketchEntry({ path: 'etc/owned', uid: 33, gid: 65534, content: 'x' });
    const entries = await sketchProbeRoot([...(await sketchBusyboxRoot(${JSON.stringify(busybox)})), owned], forkProgram);
    const signal = new AbortController().signal;
    const cache = { read: async () => undefined, write: async () => {} };
    const options = { signal, log: () => {}, cache, readiness, limits: { processes: 60 } };
    const root = await openLocalRoot(createMemoryArchive(entries), options);
    const sh = async (script, network = false) => (await root.run(['/bin/sh', '-c', script], { network })).output;
    const told = {
      reason: readiness.reason,
      owner: await sh('stat -c %u:%g /etc/owned; chown 7:8 /etc/owned; echo x >/dev/null; ls /dev'),
      device: await sh('mknod /root/n c 1 3 || echo refused'),
      route: await sh('busybox ip route', true),
      processes: (await root.run(runProbe, {})).output,
      changes: (await root.pull()).map(({ entry }) => [entry.path, entry.uid, entry.gid].join(':')),
    };
    await root[Symbol.asyncDispose]();
    console.log(JSON.stringify({ ...told, pid: process.pid }));
  `;
  const told = JSON.parse(await runNested(t, script));
  t.regex(told.reason, /root of a user namespace/);
  t.regex(told.owner, /^33:65534\n[\s\S]*\bnull\n/);
  t.regex(told.device, /refused/);
  t.regex(told.route, /^default via /);
  // Those of moby-patch itself count there too.
  t.true(Number(told.processes) > 1 && Number(told.processes) < 60, told.processes);
  t.deepEqual(told.changes, ['etc/owned:7:8']);
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith(`moby-patch-${told.pid}-`));
  t.deepEqual(left, []);
});
