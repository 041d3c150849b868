import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createOciConfig } from '#src/engine/local/sandbox/oci-config.js';
import { createResourceLimits } from '#src/engine/local/sandbox/resource-limits.js';
import { readRuntimeLog } from '#src/engine/local/sandbox/runtime-log.js';
import { createSeccomp } from '#src/engine/local/sandbox/seccomp.js';
import { adaptResolver } from '#src/engine/local/sandbox/uplink.js';
import { createScratch } from '#src/io/place/scratch.js';

test('resolvers on the loopback interface of the machine are left out', (t) => {
  t.is(adaptResolver('search a\nnameserver 192.0.2.1\n'), 'nameserver 192.0.2.1\nsearch a\n');
  t.is(adaptResolver('nameserver 127.0.0.53\nnameserver 192.0.2.1\n'), 'nameserver 192.0.2.1\n');
  t.is(adaptResolver('nameserver 127.0.0.53\noptions edns0\n'), 'nameserver 10.0.2.3\noptions edns0\n');
  t.is(adaptResolver('nameserver ::1\nnameserver fe80::1%eth0\n'), 'nameserver 10.0.2.3\n');
});

test('no limit of a process is above that of the caller, who may not raise it', (t) => {
  const own = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max file size             unlimited            unlimited            bytes     ',
    'Max open files            64                   64                   files     ',
    'Max processes             96365                96365                processes ',
  ].join('\n');
  const limits = createResourceLimits({ memory: 1000, processes: 4096 }, true, own);
  const find = (type: string) => limits.find((limit) => limit.type === `RLIMIT_${type}`);
  t.like(find('NOFILE'), { soft: 64, hard: 64 });
  t.like(find('NPROC'), { soft: 4096, hard: 4096 });
  t.like(find('FSIZE'), { soft: 0xffffffff, hard: 0xffffffff });
  t.is(find('DATA'), undefined);
  t.like(createResourceLimits({ memory: 1000, processes: 1 }, false, own).at(-1), {
    type: 'RLIMIT_DATA',
    soft: 1000 * 2 ** 20,
  });
});

test('a runtime that did not start differs from one that complains, and from one that is content', async (t) => {
  await using scratch = await createScratch();
  const file = join(scratch.path, 'log');
  t.deepEqual(await readRuntimeLog(file), { started: false, complaint: undefined });
  await writeFile(file, '{"level":"warning","msg":"a warning"}\nno JSON\n');
  t.deepEqual(await readRuntimeLog(file), { started: true, complaint: undefined });
  const why = 'runc run failed: unable to start container process: exec: \\"x\\": not found';
  await writeFile(file, `{"level":"error","msg":"${why}"}\n`);
  t.is((await readRuntimeLog(file)).complaint, 'exec: "x": not found');
});

test('a processor without a list of system calls has no filter, and 32-bit calls are for images that need them', (t) => {
  t.is(createSeccomp('riscv64'), undefined);
  t.deepEqual(createSeccomp('x64')?.architectures, ['SCMP_ARCH_X86_64']);
  t.deepEqual(createSeccomp('x64', true)?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  t.deepEqual(createSeccomp('arm64')?.architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
});

test('a container has every namespace, the eight capabilities and nothing of the environment of the caller', (t) => {
  process.env.MOBY_PATCH_SECRET = 'secret';
  t.teardown(() => {
    delete process.env.MOBY_PATCH_SECRET;
  });
  const { process: command, linux } = createOciConfig({
    root: '/tmp/root',
    argv: ['/bin/true'],
    environment: { PATH: '/bin' },
    binds: [],
    processor: 'x64',
    isNarrow: false,
    limits: { memory: 100, processes: 10 },
    group: undefined,
    limitsSwap: false,
    isNested: false,
    uplink: undefined,
  });
  t.deepEqual(command.env, ['PATH=/bin', 'HOME=/root']);
  t.true(command.noNewPrivileges);
  t.is(command.capabilities.bounding.length, 8);
  const types = linux.namespaces.map(({ type }) => type).sort();
  t.deepEqual(types, ['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts']);
});
