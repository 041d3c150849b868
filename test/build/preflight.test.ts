import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertSpace } from '#src/io/file/free-space.js';
import { assertWritable } from '#src/io/place/output.js';
import { runProcess } from '#src/io/process/process.js';
import type { ErrorReport } from '#src/model/error/error.js';
import type { Report } from '#src/model/result/report.js';
import { findProgram, readMachine } from '#src/verify/preflight/programs.js';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  signal,
} from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { createElf } from '../fixtures/images/elf.js';
import { declareTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';

/** The start of an x86 kernel, as far as anybody looks. */
const kernel = Buffer.concat([Buffer.alloc(0x202), Buffer.from('HdrS'), Buffer.alloc(1024)]);

async function createProject(t: ExecutionContext): Promise<string> {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  await writeFile(join(folder, 'vmlinuz'), kernel);
  return folder;
}

/** Each of them was found minutes later, when the steps had run. */
const wrong = ['-i', 'initrd.img', '-p', 'motd', '-o', 'none/out.img', '--level', '99', '--expect', 'a('];

for (const command of ['build', 'plan'])
  test(`${command} tells all that is wrong in one message, before any step`, async (t) => {
    const folder = await createProject(t);
    const before = await readdir(folder);
    const argv = [command, ...wrong, '-p', 'mott', '--kernel', 'nokernel', '--engine', 'docker'];
    const { code, stdout, stderr } = await callMoby([...argv, '--json'], folder, {});
    t.is(code, 2, stderr);
    const codes = [
      'patch-unknown',
      'level-invalid',
      'output-unwritable',
      'expectation-pattern',
      'kernel-unreadable',
    ];
    const { error, steps, stage } = JSON.parse(stdout.toString()) as Report;
    t.is(error?.code, 'build-impossible');
    t.deepEqual(
      error?.problems?.map((problem: ErrorReport) => problem.code),
      codes,
    );
    t.deepEqual(steps, []);
    t.is(stage, 'plan');
    for (const each of codes) t.regex(stderr, new RegExp(`^  \\S.*\\[${each}\\]$`, 'm'));
    t.regex(stderr, /^moby-patch: 5 problems, found before the first step \[build-impossible\]$/m);
    t.deepEqual(await readdir(folder), before);
  });

test('one problem is an error as it ever was', async (t) => {
  const folder = await createProject(t);
  const { code, stderr } = await callMoby(
    ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '--level', '99'],
    folder,
    {},
  );
  t.is(code, 2);
  t.regex(stderr, /^moby-patch: gzip has no level 99 \[level-invalid\]\n {2}try: give a level from 1 to 9$/m);
  t.notRegex(stderr, /problems/);
});

test('a compression that nobody has is told without a word about its level', async (t) => {
  const folder = await createProject(t);
  const argv = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '--compression', 'zip'];
  const { stderr } = await callMoby([...argv, '--level', '99'], folder, {});
  t.regex(stderr, /compression-unknown/);
  t.notRegex(stderr, /level-invalid/);
});

test('programs that a build will need are looked for before it begins', async (t) => {
  const folder = await createProject(t);
  await mkdir(join(folder, 'bin'));
  await symlink(process.execPath, join(folder, 'bin/node'));
  const argv = [
    'build',
    '-q',
    '-i',
    'initrd.img',
    '-p',
    'motd',
    '--kernel',
    'vmlinuz',
    '--compression',
    'zstd',
  ];
  const { code, stderr } = await runCli(folder, argv, undefined, { PATH: join(folder, 'bin') });
  t.is(code, 5, stderr);
  t.regex(stderr, /the program zstd is not installed \[program-missing\]\n {4}try: apt-get install zstd/);
  t.regex(stderr, /the program qemu-system-x86_64 is not installed \[program-missing\]/);
});

test('a kernel for another machine than the image is refused', async (t) => {
  const folder = await createProject(t);
  const members = [directory('.'), directory('bin'), file('bin/sh', '', {}), file('init', '#!/bin/sh\n')];
  const elf = createElf({ machine: 183 });
  const archive = createArchive(
    members.map((member) => (member.name === 'bin/sh' ? { ...member, body: elf } : member)),
  );
  await writeFile(join(folder, 'arm.img'), gzip(archive));
  const argv = ['plan', '-i', 'arm.img', '-p', 'motd', '--kernel', 'vmlinuz'];
  const { code, stderr } = await callMoby(argv, folder, {});
  t.true(code === 2 || /qemu/.test(stderr), stderr);
  t.regex(
    stderr,
    /the kernel \S*vmlinuz is for x86_64, and the image is for aarch64 \(its bin\/sh is\) \[kernel-architecture\]/,
  );
});

test('the machine of an image is that of the first of its programs that is no script', async (t) => {
  const elf = (machine: number) => createElf({ machine });
  const rows = [
    [{ 'bin/busybox': elf(40) }, 'arm', ['aarch64']],
    [{ init: elf(3), 'bin/busybox': elf(183) }, 'i386', ['x86_64']],
    [{ init: elf(243) }, 'riscv64', ['riscv64']],
    [{ init: elf(999) }, 'machine 999', []],
  ] as const;
  for (const [programs, machine, kernels] of rows) {
    const members = Object.entries(programs).map(([name, body]) => ({ ...file(name, ''), body }));
    const image = await openBytes(t, createArchive([directory('.'), directory('bin'), ...members]));
    t.like(await findProgram(image), { machine, kernels }, machine);
  }
  const scripts = await openBytes(t, createArchive([file('init', '#!/bin/sh\n# more than twenty bytes\n')]));
  t.is(await findProgram(scripts), undefined);
});

test('a machine is read in the byte order of its file', (t) => {
  const start = Buffer.alloc(20);
  start.write('\x7fELF\x02\x02\x01', 'latin1');
  start.writeUInt16BE(22, 18);
  t.is(readMachine(start), 22);
  start[5] = 1;
  t.is(readMachine(start), 22 << 8);
});

test('a folder that only seems to be writable is refused', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'out.img'));
  await writeFile(join(folder, 'file'), '');
  const places = [join(folder, 'out.img'), join(folder, 'file/out.img'), join(folder, 'none/out.img')];
  // Root may write to everything by its access bits, and to nothing here.
  for (const path of [...places, '/proc/out.img'])
    await t.throwsAsync(assertWritable(path), { code: 'output-unwritable' }, path);
  await assertWritable(join(folder, 'new.img'));
  t.deepEqual((await readdir(folder)).sort(), ['file', 'out.img']);
});

test('what is written to one disk is added up', async (t) => {
  const folder = await createTestFolder(t);
  const half = 2 ** 52;
  const needs = ['one', 'two'].map((what) => ({ folder, bytes: half, what }));
  const error = await t.throwsAsync(assertSpace(needs), { code: 'disk-full' });
  t.regex(error?.message ?? '', /wanted 8589934592 MiB for one .* and two/);
  t.regex(await assertSpace([{ folder, bytes: 1, what: 'one' }]), /MiB are free/);
  t.is(await assertSpace([{ folder: join(folder, 'none'), bytes: half, what: 'one' }]), 'nothing is written');
});

const noMount = notRoot ?? findMissingProgram('unshare', 'mount');

declareTest(noMount, 'a disk that is read-only or full is told by build and by plan', async (t) => {
  const folder = await createProject(t);
  await mkdir(join(folder, 'disk'));
  const cli = new URL('../../../dist/cli.js', import.meta.url).pathname;
  const argv = '-i initrd.img -p motd --no-verify -o disk/out.img';
  const run = (options: string, command: string) =>
    `mount -t tmpfs -o ${options} tmpfs disk; cp /dev/zero disk/full; ${process.execPath} ${cli} ${command} ${argv}; echo "code $?"; umount disk`;
  const script = [
    run('ro', 'build -q'),
    run('ro', 'plan'),
    run('size=4k', 'plan'),
    run('size=4k', 'build -q'),
  ];
  const { output } = await runProcess(['unshare', '-m', 'sh', '-c', script.join('\n')], {
    signal,
    timeout: 120,
    cwd: folder,
  });
  t.is(output.match(/cannot write the file: EROFS.*\[output-unwritable\]/g)?.length, 2, output);
  t.is(output.match(/disk has 0 MiB free, wanted 1 MiB .*\[disk-full\]/g)?.length, 2, output);
  t.deepEqual(output.match(/^code \d/gm), ['code 2', 'code 2', 'code 5', 'code 5']);
});
