import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Image } from '#src/model/image/archive.js';
import type { Report } from '#src/model/result/report.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  pad,
  readText,
  symlink,
} from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest } from '../fixtures/needs.js';

const missing = noDocker ?? noBusybox;
const link = { ino: 900, nlink: 2 };

/** A root with everything that Docker is known to mangle. */
async function createImage(): Promise<Buffer> {
  const program = await readFile(busybox);
  const root: Member[] = [
    directory('.', { mtime: 100 }),
    directory('bin', { mtime: 101 }),
    file('bin/busybox', '', { mode: 0o100755 }),
    ...['sh', 'cat', 'rm', 'ls', 'mkdir', 'printf', 'chmod', 'ln', 'env'].map((name) =>
      symlink(`bin/${name}`, 'busybox'),
    ),
    directory('dev', { mtime: 102 }),
    node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1, mtime: 103 }),
    node('dev/sda', 0o060660, { rdevmajor: 8, rdevminor: 0, mtime: 104 }),
    directory('etc', { mtime: 105 }),
    file('etc/hosts', '127.0.0.1 stock\n', { mtime: 106, mode: 0o100600, uid: 5 }),
    file('etc/hostname', 'moby', { mtime: 107 }),
    symlink('etc/resolv.conf', '../run/resolv.conf', { mtime: 108 }),
    file('etc/changed', 'before', { mtime: 109 }),
    file('etc/twice', 'first', { mtime: 110 }),
    directory('run', { mtime: 111, mode: 0o040555 }),
    node('run/socket', 0o140755, { mtime: 112 }),
    node('run/queue', 0o010644, { mtime: 113 }),
    file('.wh.hidden', 'looks like a whiteout', { mtime: 114 }),
    directory('untouched', { mtime: 115 }),
    file('untouched/nobody', 'x', { uid: 0xffffffff, gid: 0xfffffffe, mtime: 116 }),
    file('one', '', link),
    file('two', 'linked', link),
    file('init', '#!/bin/sh\n', { mode: 0o100755, mtime: 117 }),
  ];
  const members = root.map((member) =>
    member.name === 'bin/busybox' ? { ...member, body: program } : member,
  );
  return Buffer.concat([
    pad(gzip(createArchive(members), 1)),
    pad(
      gzip(createArchive([directory('.', { mtime: 900 }), file('etc/twice', 'second', { mtime: 118 })]), 1),
    ),
  ]);
}

const script = `title: A command
steps:
  - run: "echo after > /etc/changed; mkdir /etc/made; echo new > /etc/made/file; echo written > /one; echo lost >> /etc/hosts"
  - file: {path: etc/hostname, content: patched}
`;

let daemon: TestDaemon | undefined;
test.after.always(() => daemon?.[Symbol.asyncDispose]());

async function build(
  t: ExecutionContext,
  engine: string,
): Promise<{ before: Image; after: Image; report: Report; bytes: Buffer }> {
  if (engine === 'docker') daemon ??= await startDockerd();
  const folder = await createTestFolder(t);
  const bytes = await createImage();
  await mkdir(join(folder, 'patches/command'), { recursive: true });
  await writeFile(join(folder, 'patches/command/patch.yaml'), script);
  await writeFile(join(folder, 'in.img'), bytes);
  const args = [
    'build',
    '-q',
    '--json',
    '-i',
    'in.img',
    '-p',
    'command',
    '-o',
    'out.img',
    '--no-verify',
    '--engine',
    engine,
  ];
  const { code, stdout, stderr } = await runMoby(args, { folder, environment: daemon?.environment ?? {} });
  t.is(code, 0, stderr);
  const written = await readFile(join(folder, 'out.img'));
  return {
    before: await openBytes(t, bytes),
    after: await openBytes(t, written),
    report: JSON.parse(stdout),
    bytes: written,
  };
}

let viaDocker: Buffer | undefined;

declareSerialTest(missing, 'through a real daemon only what steps did is different', async (t) => {
  const { before, after, report, bytes } = await build(t, 'docker');
  viaDocker = bytes;
  const changed = report.diff?.differences.map(({ kind, path }) => `${kind} ${path}`);
  // `two` is there because it lost the other name of its file.
  t.deepEqual(changed, [
    'changed etc/changed',
    'changed etc/hostname',
    'added etc/made',
    'added etc/made/file',
    'changed one',
    'changed two',
  ]);
  t.is(await readText(after, 'etc/changed'), 'after\n');

  t.false(after.entries.has('.dockerenv'));
  t.like(after.entries.get('dev/console'), {
    type: 'character',
    mode: 0o600,
    device: { major: 5, minor: 1 },
  });
  t.like(after.entries.get('dev/sda'), { type: 'block', device: { major: 8, minor: 0 } });
  t.is(await readText(after, 'etc/hosts'), '127.0.0.1 stock\n');
  t.like(after.entries.get('etc/hosts'), { mode: 0o600, uid: 5, mtime: 106 });
  t.is(await readText(after, 'etc/hostname'), 'patched', 'the patch says otherwise');
  t.is(after.entries.get('etc/resolv.conf')?.target, '../run/resolv.conf');
  for (const path of ['proc', 'sys', 'etc/mtab', 'run/resolv.conf', 'dev/pts', 'dev/shm'])
    t.false(after.entries.has(path), path);
  t.is(after.entries.get('run/socket')?.type, 'socket');
  t.is(after.entries.get('run/queue')?.type, 'fifo');
  t.is(await readText(after, '.wh.hidden'), 'looks like a whiteout');
  t.is(await readText(after, 'etc/twice'), 'second');
  t.is(after.records.filter(({ name }) => name === 'etc/twice').length, 2, 'a path may stand twice');
  t.is(after.records.find(({ name }) => name === 'untouched/nobody')?.header.uid, 0xffffffff);
  for (const path of ['', 'bin', 'dev', 'etc', 'run', 'untouched'])
    t.is(after.entries.get(path)?.mtime, before.entries.get(path)?.mtime, `the time of /${path}`);

  t.is(await readText(after, 'one'), 'written\n');
  t.is(await readText(after, 'two'), 'linked');
  t.true(
    report.warnings.some((warning) => /hard links split: one changed, two kept/.test(warning)),
    report.warnings.join('\n'),
  );
  t.true(
    report.warnings.some((warning) => /etc\/hosts/.test(warning)),
    report.warnings.join('\n'),
  );
});

declareSerialTest(
  missing,
  'the local engine differs where a real file system does: hard links stay together',
  async (t) => {
    const { after, report, bytes } = await build(t, 'local');
    const changed = report.diff?.differences.map(({ kind, path }) => `${kind} ${path}`);
    t.deepEqual(changed, [
      'changed etc/changed',
      'changed etc/hostname',
      'added etc/made',
      'added etc/made/file',
      'changed one',
      'changed two',
    ]);
    t.is(await readText(after, 'two'), 'written\n');
    t.is(after.entries.get('one')?.link, after.entries.get('two')?.link);
    t.false(bytes.equals(viaDocker ?? Buffer.alloc(0)));
  },
);
