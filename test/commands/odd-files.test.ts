import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram, notRoot } from '../fixtures/needs.js';

const image = gzip(createArchive([file('init', '#!/bin/sh\n', { mode: 0o100755 }), file('motd', 'x')]));
const patch = 'title: A\nsteps:\n  - file: {path: motd, from: payload}\n';

/** A project folder with everything that a command reads. */
async function setUp(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  const files = {
    'in.img': image,
    'moby-patch.yaml': 'image: in.img\npatches: [a]\n',
    'patches/a/patch.yaml': patch,
    'patches/a/payload': 'y',
    'images/one.yaml': 'title: One\ninitrd: ../in.img\n',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** In this process: a command that waited for a writer would not come back. */
function run(folder: string, ...args: string[]) {
  return callMoby(args, folder, {
    XDG_STATE_HOME: join(folder, 'state'),
    MOBY_PATCH_CACHE: join(folder, 'cache'),
  });
}

const build = ['build', '--no-verify'] as const;

/** What is replaced, the command that reads it, and what the command says. */
const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['in.img', [...build], /in\.img: .*found a FIFO, wanted a regular file \[image-unreadable\]/],
  ['in.img', ['inspect', 'in.img'], /in\.img: .*found a FIFO, wanted a regular file \[image-unreadable\]/],
  ['in.img', ['unpack', 'in.img', '-o', 'root'], /found a FIFO.*\n.*give a file, or - for standard input/],
  ['kernel', ['verify', 'in.img', '--kernel', 'kernel'], /kernel.*found a FIFO/],
  ['moby-patch.yaml', [...build], /found a FIFO.*\[config-unreadable\]/],
  ['moby-patch.lock', [...build, '--locked'], /found a FIFO.*\[lock-missing\]/],
  ['initrd.patched.img.manifest.json', ['lock'], /found a FIFO.*\[manifest-missing\]/],
  ['patches/a/patch.yaml', [...build], /patch\.yaml is not a regular file/],
  ['patches/a/payload', [...build], /payload is not a regular file/],
  ['images/one.yaml', ['inspect', 'one'], /found a FIFO.*\[definition-unreadable\]/],
  ['root.tar', ['repack', 'root.tar', '-o', 'out.img'], /found a FIFO.*\[input-unreadable\]/],
  ['state.json', ['status'], /found a FIFO.*\[state-unreadable\]/],
  ['lock.1', ['apply', '--no-verify'], /found a FIFO.*\[lock-unreadable\]/],
];

for (const [name, args, said] of cases) {
  declareTest(
    findMissingProgram('mkfifo'),
    `${args.join(' ')} with a FIFO in the place of ${name} ends with one error`,
    async (t) => {
      t.timeout(120_000, 'the command waits for a writer');
      const folder = await setUp(t);
      let place = folder;
      if (/^(state|lock)\./.test(name)) {
        t.is((await run(folder, 'apply', '--no-verify')).code, 0);
        const [state = ''] = await readdir(join(folder, 'state/moby-patch'));
        place = join(folder, 'state/moby-patch', state);
      }
      await rm(join(place, name), { force: true });
      execFileSync('mkfifo', [join(place, name)]);
      const { code, stderr } = await run(folder, ...args);
      t.is(code, 2, stderr);
      t.regex(stderr, said);
    },
  );
}

declareTest(notRoot ?? findMissingProgram('mknod'), 'a device is not even opened', async (t) => {
  const folder = await setUp(t);
  await rm(join(folder, 'in.img'));
  // 1:3 is /dev/null; opening a watchdog for reading restarts the machine.
  execFileSync('mknod', [join(folder, 'in.img'), 'c', '1', '3']);
  const { code, stderr } = await run(folder, 'inspect', 'in.img');
  t.is(code, 2);
  t.regex(stderr, /found a device, wanted a regular file/);
});

test('an output that is a device, a FIFO or a folder is refused, and stays', async (t) => {
  const folder = await setUp(t);
  await mkdir(join(folder, 'folder'));
  const devices = ['/dev/null', '/dev/full'];
  const before = await Promise.all(devices.map((path) => stat(path)));
  for (const output of ['folder', ...devices]) {
    const { code, stderr } = await run(folder, ...build, '-o', output);
    t.is(code, 2, stderr);
    t.regex(stderr, /a (folder|device) has its name \[output-unwritable\]/);
  }
  const after = await Promise.all(devices.map((path) => stat(path)));
  t.deepEqual(
    after.map(({ ino }) => ino),
    before.map(({ ino }) => ino),
  );
});

test('a patch file may not be a symlink out of its folder, nor larger than the limit', async (t) => {
  const folder = await setUp(t);
  const { rename, symlink, truncate } = await import('node:fs/promises');
  await rename(join(folder, 'patches/a/patch.yaml'), join(folder, 'outside.yaml'));
  await symlink('../../outside.yaml', join(folder, 'patches/a/patch.yaml'));
  const linked = await run(folder, ...build);
  t.is(linked.code, 2, linked.stderr);
  t.regex(linked.stderr, /found that patch\.yaml leads out of the patch folder to .*outside\.yaml/);
  await rm(join(folder, 'patches/a/patch.yaml'));
  await writeFile(join(folder, 'patches/a/patch.yaml'), '');
  await truncate(join(folder, 'patches/a/patch.yaml'), 2 ** 40);
  t.regex((await run(folder, ...build)).stderr, /found patch\.yaml with 1099511627776 bytes/);
});

declareTest(
  process.platform === 'linux' ? undefined : 'skipped: not Linux',
  'a full disk behind standard output or standard error is one clear error',
  async (t) => {
    const folder = await setUp(t);
    const into = (redirection: string, ...args: string[]) =>
      runMoby(args, { folder, enter: ['sh', '-c', `exec "$@" ${redirection}`, 'sh'] });
    const commands = [
      ['inspect', 'in.img'],
      ['inspect', 'in.img', '--json'],
      ['unpack', 'in.img', '-o', '-'],
      ['--help'],
    ];
    for (const args of commands) {
      const { code, stderr } = await into('>/dev/full', ...args);
      t.is(code, 5, stderr);
      t.regex(
        stderr,
        /^moby-patch: cannot write to standard output: the disk is full .*\[output-unwritable\]\n.*\n$/,
      );
    }
    t.is((await into('2>/dev/full', ...build, '-o', 'out.img')).code, 0);
    t.is((await into('2>/dev/full', 'inspect', 'none.img')).code, 2);
  },
);

test('a working folder that was removed is one clear error', async (t) => {
  const folder = await setUp(t);
  const enter = ['sh', '-c', 'mkdir gone; cd gone; rmdir ../gone; exec "$@"', 'sh'];
  const { code, stderr } = await runMoby(['inspect', join(folder, 'in.img')], { folder, enter });
  t.is(code, 2);
  t.regex(
    stderr,
    /^moby-patch: the working folder cannot be used \(ENOENT\) \[folder-missing\]\n {2}try: cd .*\n$/,
  );
});

test('a low limit of open files is one clear error, or no hindrance', async (t) => {
  const folder = await setUp(t);
  const packed = await runMoby(['repack', 'in.img', '-o', 'xz.img', '--compression', 'xz'], { folder });
  t.is(packed.code, 0, packed.stderr);
  const run = (args: readonly string[], limit: number) =>
    runMoby(args, { folder, enter: ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh'] });
  for (const args of [
    [...build, '-q'],
    ['unpack', 'in.img'],
    ['inspect', 'in.img'],
  ]) {
    const { code, stderr } = await run(args, 64);
    if (code === 0) continue;
    t.is(code, 5, stderr);
    t.regex(
      stderr,
      /too many open files \(EMFILE at \w+\) .*\n {2}try: raise the limit of open files: ulimit -n 1024\n$/,
    );
  }
  // Node starts, and cannot open all modules, or no pipes to a program.
  for (const limit of [24, 22, 20]) {
    const { code, stderr } = await run(['inspect', 'xz.img'], limit);
    t.is(code, 5, stderr);
    t.regex(
      stderr,
      /^moby-patch: [^\n]* \[machine-fault\]\n {2}try: raise the limit of open files: ulimit -n 1024\n$/,
    );
  }
});
