import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProgram } from '#src/commands/program.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { pack } from '../fixtures/codecs.js';
import { createCommandContext } from '../fixtures/command-context.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { bootSchema } from '../report/boot-schema.js';
import { sketchIso } from '../wrapper/sketches.js';

// What depends on a machine that is late cannot be waited for: a script stands in for QEMU.

/**
 * It prints what a kernel and the probe do, by the words in the image that begin with `fake-`; a file has a byte a run. One process without children: a boot
 * subtracts what the guest's own process waits for a processor, and nothing else.
 */
const fakeQemu = `#!/usr/bin/env perl
use strict;
if ($ARGV[0] eq '--version') { print "QEMU emulator version 7.2.0 (fake)\\n"; exit 0 }
$| = 1;
my %option = map { $ARGV[$_] => $ARGV[$_ + 1] } grep { $ARGV[$_] =~ /^-/ } 0 .. $#ARGV;
sub content { local $/; open my $file, '<:raw', $_[0] or die; <$file> }
my $image = content $option{'-initrd'};
open my $runs, '>>', "$0.runs" or die;
syswrite $runs, '.';
my $run = -s "$0.runs";
sub pause { select undef, undef, undef, $_[0] }
sub say_kernel { print "<6>[    $_[0].000000] $_[1]\\n" }
say_kernel 0, 'Linux version 6.1';
if ($image =~ /fake-faulty/ && $run <= content "$0.faults") {
	print "<0>[    1.000000] Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug\\n";
	exit 0;
}
# Each waits until the other has begun.
if ($image =~ /fake-paired/) { pause 0.1 while -s "$0.runs" < 2 }
if ($image =~ /fake-dead/) { say_kernel 3, 'Kernel panic - not syncing: Attempted to kill init!'; exit 0 }
say_kernel 2, 'Run /init as init process';
my ($marker) = $image =~ /(moby-patch-verify [0-9a-f]{32})/;
print "hello\\n";
pause 3 if $image =~ /fake-late/;
open my $probe, '>&=', 3 or die;
sub report { syswrite $probe, "$marker $_[0] .\\n" }
report 'started';
for (my $word = 'x'; $image =~ /fake-slow/; $word .= 'x') { print "at $word\\n"; pause 0.2 }
report 'alive 25 1 1';
while (1) { report 'reached init'; pause 0.2 }
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
    file('bin/sh', '#!/bin/busybox\n', { mode: 0o100755 }),
    file('bin/busybox', body, { mode: 0o100755 }),
    file('init', '#!/bin/busybox\n', { mode: 0o100755 }),
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

const missing = findMissingProgram('perl');

declareTest(
  missing,
  'a boot that the machine failed is tried once more, and the report says so',
  async (t) => {
    const folder = await createFolder(t, 'fake-faulty', 1);
    const { code, value, runs, stderr } = await run(folder, ['verify', 'initrd.img']);
    t.is(code, 0, stderr);
    t.like(value, { verdict: 'passed', attempts: 2 });
    t.is(runs, 2);
  },
);

declareTest(
  findMissingProgram('perl', 'xz'),
  'the checks before a boot do not unpack the image once more',
  async (t) => {
    const folder = await createFolder(t, 'quick', 0);
    // A codec that is a program: it counts.
    const counting = `#!/bin/sh\necho >>"$0.runs"\nPATH=\${PATH#*:} exec xz "$@"\n`;
    await writeFile(join(folder, 'bin/xz'), counting, { mode: 0o755 });
    const image = join(folder, 'initrd.img');
    await writeFile(image, pack('xz', await readFile(image)));
    const { code, stderr } = await run(folder, ['verify', 'initrd.img', '--memory', '512']);
    t.is(code, 0, stderr);
    t.is((await readFile(join(folder, 'bin/xz.runs'))).length, 1);
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

declareTest(
  missing,
  'what is inside of an ISO is booted by its names there, and its kernel is kept as well',
  async (t) => {
    const folder = await createFolder(t, 'quick', 0);
    const kernel = await readFile(join(folder, 'vmlinuz'));
    const iso = sketchIso({
      'isolinux/isolinux.cfg': 'label a\nkernel /boot/k\ninitrd /boot/i\n',
      'boot/k': kernel,
      'boot/i': await readFile(join(folder, 'initrd.img')),
    });
    await writeFile(join(folder, 'v.iso'), iso);
    const { code, stderr } = await run(folder, ['verify', 'v.iso', '--keep'], { TMPDIR: folder });
    t.is(code, 0, stderr);
    t.regex(stderr, /booting v\.iso with boot\/k of v\.iso\n/);
    const [kept = ''] = (await readdir(folder)).filter((name) => name.startsWith('moby-patch-kept-'));
    const copy = join(folder, kept, 'kernel');
    t.deepEqual(await readFile(copy), kernel);
    t.true((await readFile(join(folder, kept, 'boot.sh'), 'utf8')).includes(`'-kernel' '${copy}'`));
  },
);

declareTest(missing, 'a refused build of several patches, or steps, names bisect', async (t) => {
  const folder = await createFolder(t, 'quick', 0);
  for (const name of ['a', 'b']) {
    await mkdir(join(folder, name));
    const steps = ['one', 'two'].map((word) => `  - file: {path: ${name}-${word}, content: fake-dead}\n`);
    await writeFile(join(folder, name, 'patch.yaml'), `title: T\nsteps:\n${steps.join('')}`);
  }
  const hint = async (...patches: string[]) => {
    const argv = ['build', '-i', 'initrd.img', ...patches.flatMap((name) => ['-p', name]), '-o', 'out.img'];
    const { code, value } = await run(folder, [...argv, '-q']);
    t.is(code, 4);
    return value.error?.hint;
  };
  t.regex(await hint('./a', './b'), /; moby-patch bisect, .* finds which of the 2 patches is to blame$/);
  t.regex(await hint('./a'), /; moby-patch bisect --steps, .* finds the step$/);
});

declareTest(missing, 'a machine that fails twice is at fault, and not the image', async (t) => {
  const folder = await createFolder(t, 'fake-faulty', 9);
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
    const step = '  - file: {path: etc-slow, content: fake-slow}\n';
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
    const folder = await createFolder(t, 'fake-paired', 0);
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
  const folder = await createFolder(t, 'fake-late', 0);
  const drawn: string[] = [];
  const live = { draw: (text: string) => void drawn.push(text), clear() {}, leave() {}, isLeft: () => false };
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  const before = process.env.PATH;
  process.env.PATH = PATH;
  try {
    const context = { ...createCommandContext(folder), environment: { ...process.env, PATH }, live };
    await runProgram(['verify', 'initrd.img', ...common], '0.0.0', context);
    t.is(bootSchema.parse(JSON.parse(context.printed())).verdict, 'passed');
  } finally {
    process.env.PATH = before;
  }
  t.true(drawn.some((text) => text.startsWith('verify (')));
  t.deepEqual(
    drawn.filter((text) => text.startsWith('reading')),
    [],
  );
});
