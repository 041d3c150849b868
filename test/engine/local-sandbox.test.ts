import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { ExecutionContext } from 'ava';
import { busybox, noNamespaces, opened } from '../fixtures/local-executor.js';
import { sketchBusyboxRoot, sketchEntry } from '../fixtures/memory-archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import {
  createConnectProgram,
  createProbeProgram,
  forkProgram,
  memoryProgram,
  moreRefusedCalls,
  noProbes,
  refusedCalls,
  runProbe,
  sketchProbeRoot,
} from './system-call-probes.js';

const noSandbox = noNamespaces ?? noProbes;

async function createRoot(program: string) {
  return sketchProbeRoot(await sketchBusyboxRoot(busybox), program);
}

declareTest(noSandbox, 'system calls that reach beyond a step are refused', async (t) => {
  const calls = { ...refusedCalls, ...moreRefusedCalls };
  await opened(await createRoot(createProbeProgram(calls)), async ({ root }) => {
    const { output, exitCode } = await root.run(runProbe, {});
    t.is(exitCode, 0, output);
    const answers = output.trim().split('\n');
    t.is(answers.length, Object.keys(calls).length);
    // EPERM, ENOSYS, EAFNOSUPPORT
    for (const answer of answers) t.regex(answer, /: (?:1|38|97)$/);
  });
});

declareTest(noSandbox, 'a step has as many processes as it may have, and no more', async (t) => {
  await opened(
    await createRoot(forkProgram),
    async ({ root }) => {
      t.is((await root.run(runProbe, {})).output, '60\n');
    },
    { limits: { processes: 60 } },
  );
});

declareTest(
  noSandbox,
  'a step that takes more memory than it may have is killed, and its error says so',
  async (t) => {
    await opened(
      await createRoot(memoryProgram),
      async ({ root }) => {
        const { exitCode, output } = await root.run(runProbe, {});
        t.is(exitCode, 137, output);
        t.regex(output, /a step may take 100 MiB \(--step-memory\)/);
      },
      { limits: { memory: 100 } },
    );
  },
);

/** A service on this machine's loopback interface, or with the name of an abstract socket. */
async function listen(t: ExecutionContext, where: { port: number; host: string } | string): Promise<Server> {
  const server = createServer((socket) => socket.end());
  t.teardown(() => server.close());
  server.listen(where as never);
  await once(server, 'listening');
  return server;
}

declareTest(
  noSandbox ?? findMissingProgram('slirp4netns'),
  'the loopback interface and the abstract sockets of the machine are closed, with and without the network',
  async (t) => {
    const name = `moby-patch-test-${process.pid}`;
    await listen(t, `\0${name}`);
    const address = (await listen(t, { port: 0, host: '127.0.0.1' })).address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await opened(await createRoot(createConnectProgram(port, name)), async ({ root, sh }) => {
      for (const network of [false, true]) {
        const { output } = await root.run(runProbe, { network });
        t.regex(output, /^loopback: \d+\ngateway: (?:\d+|silent)\nabstract: \d+\n$/, `network: ${network}`);
      }
      t.regex((await sh('busybox ip route', true)).output, /^default via /);
    });
  },
);

declareTest(
  noNamespaces,
  'a root without a shell, env and true runs a program with the variables of a step',
  async (t) => {
    const [program] = (await sketchBusyboxRoot(busybox)).filter(({ path }) => path === 'bin/busybox');
    if (program === undefined) throw new Error('no busybox');
    const entries = ['', 'bin'].map((path) => sketchEntry({ path, type: 'directory' }));
    await opened([...entries, program], async ({ root }) => {
      const argv = ['/bin/busybox', 'env'];
      const { output, exitCode } = await root.run(argv, { environment: { STEP: 'a b' } });
      t.is(exitCode, 0, output);
      const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      t.deepEqual(output.trim().split('\n'), [path, 'HOME=/root', 'STEP=a b']);
      const missing = await root.run(['/bin/sh', '-c', ':'], {});
      t.deepEqual(missing, { exitCode: 127, output: '/bin/sh: no such program in the image\n' });
      t.is((await root.run(['/bin'], {})).exitCode, 126);
      t.deepEqual(await root.pull(), []);
    });
  },
);

/** A 32-bit program that ends with 7: mov eax, 1; mov ebx, 7; int 0x80. */
function createNarrowProgram(): Buffer {
  const code = [0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80];
  const program = Buffer.alloc(84 + code.length);
  program.write('\x7fELF\x01\x01\x01', 'latin1');
  for (const [at, value] of [
    [16, 2],
    [18, 3],
    [42, 32],
    [44, 1],
  ] as const)
    program.writeUInt16LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [24, 0x8048000 + 84],
    [28, 52],
    [52, 1],
    [60, 0x8048000],
    [68, program.length],
    [72, program.length],
    [76, 5],
    [80, 0x1000],
  ] as const)
    program.writeUInt32LE(value, at);
  program.writeUInt16LE(52, 40);
  program.set(code, 84);
  return program;
}

declareTest(
  noSandbox,
  'the calls of 32-bit programs are there in an image of such programs only',
  async (t) => {
    const program = sketchEntry({ path: 'bin/narrow', mode: 0o755, content: createNarrowProgram() });
    const wide = [...(await sketchBusyboxRoot(busybox)), program];
    await opened(wide, async ({ root }) => {
      // SIGSYS
      t.is((await root.run(['/bin/narrow'], {})).exitCode, 128 + 31);
    });
    const shell = sketchEntry({ path: 'bin/sh', type: 'symlink', target: 'narrow' });
    await opened([...wide.filter(({ path }) => path !== 'bin/sh'), shell], async ({ root }) => {
      t.is((await root.run(['/bin/narrow'], {})).exitCode, 7);
    });
  },
);
