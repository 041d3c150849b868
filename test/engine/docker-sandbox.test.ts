import { check, openEntries } from '../fixtures/docker-bench.js';
import {
  createProbeProgram,
  forkProgram,
  memoryProgram,
  noProbes,
  refusedCalls,
  runProbe,
  sketchProbeRoot,
} from './system-call-probes.js';

if (noProbes === undefined) {
  check('Docker refuses the system calls that reach beyond a step', async (t, bench) => {
    const entries = await sketchProbeRoot(bench.root, createProbeProgram(refusedCalls));
    const { root } = await openEntries(t, bench, entries);
    const { output, exitCode } = await root.run(runProbe, {});
    t.is(exitCode, 0, output);
    const answers = output.trim().split('\n');
    t.is(answers.length, Object.keys(refusedCalls).length);
    // EPERM, ENOSYS
    for (const answer of answers) t.regex(answer, /: (?:1|38)$/);
  });

  check(
    'a step in Docker has the processes, the memory and the files that it may have, and no more',
    async (t, bench) => {
      const entries = await sketchProbeRoot(bench.root, forkProgram);
      const { root } = await openEntries(t, bench, entries, { limits: { processes: 60, memory: 100 } });
      // The idle shell is one of them.
      t.is((await root.run(runProbe, {})).output, '59\n');
      await root.run(['/bin/sh', '-c', 'cat >/probe.pl'], { input: memoryProgram });
      const { exitCode, output } = await root.run(runProbe, {});
      t.is(exitCode, 137);
      t.regex(output, /--step-memory/);
      t.regex((await root.run(['/bin/sh', '-c', 'ulimit -c; ulimit -f'], {})).output, /^0\n8388607\n$/);
      // 20 GiB of holes: they are refused by their size, for the tar of them would be read for minutes.
      const sparse = 'for i in 1 2 3 4 5; do truncate -s 4294967295 /left$i || exit 1; done';
      t.is((await root.run(['/bin/sh', '-c', sparse], {})).exitCode, 0);
      t.like(await t.throwsAsync(root.pull()), { kind: 'failed', code: 'file-too-large' });
    },
  );
}
