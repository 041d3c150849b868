import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProgram } from '#src/commands/program.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { createCommandContext } from '../fixtures/command-context.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';

// What depends on a machine that is late cannot be waited for: a script stands in for QEMU.

/** It prints what a kernel and the probe do, by what is in the image; `run` counts. */
const fakeQemu = `#!/bin/sh
[ "$1" != --version ] || { echo 'QEMU emulator version 7.2.0 (fake)'; exit 0; }
echo >>"$0.runs"
run=$(wc -l <"$0.runs")
image=
while [ $# -gt 0 ]; do [ "$1" != -initrd ] || image=$2; shift; done
say() { echo "<6>[    $1.000000] $2"; }
say 0 'Linux version 6.1'
if grep -q faulty "$image" && [ "$run" -le "$(cat "$0.faults")" ]; then
	echo "<0>[    1.000000] Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug"
	exit 0
fi
# Each waits until the other has begun.
while grep -q paired "$image" && [ "$(wc -l <"$0.runs")" -lt 2 ]; do sleep 0.1; done
say 2 'Run /init as init process'
marker=$(grep -a -o 'moby-patch-verify [0-9a-f]\\{32\\}' "$image" | head -n 1)
echo 'hello'
! grep -q late "$image" || sleep 3
echo "$marker started ." >&3
if grep -q slow "$image"; then
	word=x
	while :; do word=x$word; echo "at $word"; sleep 0.2; done
fi
echo "$marker alive 25 1 1 ." >&3
while :; do echo "$marker reached init ." >&3; sleep 0.2; done
`;

async function createFolder(t: ExecutionContext, body: string, faults: number): Promise<string> {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/qemu-system-x86_64'), fakeQemu, { mode: 0o755 });
  await writeFile(join(folder, 'bin/qemu-system-x86_64.faults'), String(faults));
  const kernel = Buffer.alloc(4096);
  kernel.write('HdrS', 0x202, 'latin1');
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  await writeFile(join(folder, 'vmlinuz'), kernel);
  const members = [
    directory('bin'),
    directory('dev'),
    file('bin/sh', '#!/bin/x\n', { mode: 0o100755 }),
    file('bin/x', body, { mode: 0o100755 }),
    file('init', '#!/bin/x\n', { mode: 0o100755 }),
  ];
  await writeFile(join(folder, 'initrd.img'), createArchive(members));
  return folder;
}

const common = ['--accelerator', 'tcg', '--json', '--allow-failed', 'all'];

async function run(folder: string, argv: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  const { code, stdout, stderr } = await runMoby([...argv, ...common], {
    folder,
    environment: { PATH, ...more },
  });
  const runs = await readFile(join(folder, 'bin/qemu-system-x86_64.runs'), 'utf8').catch(() => '');
  return { code, value: JSON.parse(stdout || '{}'), stderr, runs: runs.length };
}

const missing = findMissingProgram('grep', 'wc');

declareTest(
  missing,
  'a boot that the machine failed is tried once more, and the report says so',
  async (t) => {
    const folder = await createFolder(t, 'faulty', 1);
    const { code, value, runs, stderr } = await run(folder, ['verify', 'initrd.img']);
    t.is(code, 0, stderr);
    t.like(value, { verdict: 'passed', attempts: 2 });
    t.is(runs, 2);
  },
);

declareTest(missing, 'what is kept of a run has a line that boots a copy of the image', async (t) => {
  const folder = await createFolder(t, 'quick', 0);
  const { code, stderr } = await run(folder, ['verify', 'initrd.img', '--keep'], { TMPDIR: folder });
  t.is(code, 0, stderr);
  const [kept = ''] = (await readdir(folder)).filter((name) => name.startsWith('moby-patch-kept-'));
  const files = ['boot.sh', 'console.log', 'image.img', 'initrd.img'];
  t.deepEqual((await readdir(join(folder, kept))).sort(), files);
  const copy = join(folder, kept, 'image.img');
  t.true((await readFile(copy)).equals(await readFile(join(folder, 'initrd.img'))));
  t.true((await readFile(join(folder, kept, 'boot.sh'), 'utf8')).includes(`'-initrd' '${copy}'`));
});

declareTest(missing, 'a machine that fails twice is at fault, and not the image', async (t) => {
  const folder = await createFolder(t, 'faulty', 9);
  const { code, value, runs } = await run(folder, ['verify', 'initrd.img']);
  t.is(code, 5);
  t.is(value.error?.code, 'machine-fault');
  t.is(runs, 2);
});

declareTest(
  missing,
  'a guest that is too slow to tell has the time of the stock image beside it',
  async (t) => {
    const folder = await createFolder(t, 'quick', 0);
    await mkdir(join(folder, 'slow'));
    const step = '  - file: {path: etc-slow, content: "slow"}\n';
    await writeFile(join(folder, 'slow/patch.yaml'), `title: Slow\nsteps:\n${step}`);
    const argv = ['build', '-i', 'initrd.img', '-p', './slow', '-o', 'out.img', '--timeout', '2', '-q'];
    const { code, value, runs } = await run(folder, argv);
    t.is(code, 5);
    t.is(value.error?.code, 'boot-too-slow');
    t.regex(value.error?.message, /too slow to tell, emulated here: .*; the stock image is up in \d+\.\d s$/);
    t.is(runs, 2);
  },
);

declareTest(
  availableParallelism() < 2 ? 'skipped: one processor (give the machine two)' : missing,
  'the stock image that is compared boots while the patched one does',
  async (t) => {
    const folder = await createFolder(t, 'paired', 0);
    await mkdir(join(folder, 'motd'));
    await writeFile(
      join(folder, 'motd/patch.yaml'),
      'title: T\nsteps:\n  - file: {path: motd, content: x}\n',
    );
    const argv = ['build', '-i', 'initrd.img', '-p', './motd', '-o', 'out.img', '--compare-stock', '-q'];
    const { code, value, runs, stderr } = await run(folder, argv);
    t.is(code, 0, stderr);
    t.is(value.stock?.stock?.verdict, 'passed');
    t.is(runs, 2);
  },
);

declareTest(missing, 'on a terminal one line at a time tells of a boot', async (t) => {
  const folder = await createFolder(t, 'late', 0);
  const drawn: string[] = [];
  const live = { draw: (text: string) => void drawn.push(text), clear() {}, leave() {}, isLeft: () => false };
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  const before = process.env.PATH;
  process.env.PATH = PATH;
  try {
    const context = { ...createCommandContext(folder), environment: { ...process.env, PATH }, live };
    await runProgram(['verify', 'initrd.img', ...common], '0.0.0', context);
    t.is(JSON.parse(context.printed()).verdict, 'passed');
  } finally {
    process.env.PATH = before;
  }
  t.true(drawn.some((text) => text.startsWith('verify (')));
  t.deepEqual(
    drawn.filter((text) => text.startsWith('reading')),
    [],
  );
});
