import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { openInputFile } from '#src/io/file/input-file.js';
import { runProcess } from '#src/io/process/process.js';
import { isRootKind } from '#src/model/image/wrapper.js';
import { findWrapper } from '#src/wrapper/open-wrapper.js';
import { readRoot } from '#src/wrapper/root/root-format.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { testNeeding } from '../fixtures/needs.js';

const { signal } = new AbortController();
const patch = 'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello\\n"}\n';

async function run(t: ExecutionContext, folder: string, ...argv: string[]): Promise<string> {
  const { exitCode, output } = await runProcess(argv, { signal, timeout: 60, cwd: folder });
  t.is(exitCode, 0, output);
  return output;
}

/** A tree with what programs lose; owners only where we may set them. */
async function prepare(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'motd'));
  await writeFile(join(folder, 'motd/patch.yaml'), patch);
  const script = `mkdir -p root/etc root/sbin root/dev && cp /bin/cat root/sbin/init && ln root/sbin/init root/sbin/other &&
    ln -s init root/sbin/link && ln -P root/sbin/link root/sbin/link2 && chmod 2755 root/sbin/init && mkfifo root/dev/fifo && ln root/dev/fifo root/dev/fifo2 && head -c 200000 /bin/sh > root/sbin/large &&
    touch -d @981173106 root/sbin/large && : > root/etc/empty && printf old > root/etc/motd`;
  await run(t, folder, 'sh', '-c', script);
  return folder;
}

const call = (folder: string, ...args: string[]) =>
  callMoby([...args, '--no-verify', '--no-cache', '-q'], folder, {});

/** Each name of an inode that has several, with the first of them and the target of a symlink. */
async function listLinks(folder: string, name: string): Promise<Record<string, string>> {
  await using file = await openInputFile(join(folder, name));
  const { kind = 'erofs' } = (await findWrapper(file)) ?? {};
  if (!isRootKind(kind)) throw new Error(`${name} is no file system`);
  const tar = await mkdtemp(join(folder, 'tar-'));
  const { entries } = await readRoot(file, kind, { folder: tar, signal });
  const first = new Map<string, string>();
  return Object.fromEntries(
    entries.flatMap(({ path, link, target }) => {
      if (link === undefined) return [];
      if (!first.has(link)) first.set(link, path);
      const shown = target === undefined ? '' : ` -> ${target}`;
      return [[path, `${first.get(link)}${shown}`]];
    }),
  );
}

async function build(t: ExecutionContext, folder: string): Promise<void> {
  t.is((await call(folder, 'build', '-i', 'v.img', '-o', 'same')).code, 0);
  t.deepEqual(await readFile(join(folder, 'same')), await readFile(join(folder, 'v.img')));
  for (const name of ['new', 'again']) {
    const built = await call(folder, 'build', '-i', 'v.img', '-p', './motd', '-o', name);
    t.is(built.code, 0, built.stderr);
  }
  t.deepEqual(await readFile(join(folder, 'again')), await readFile(join(folder, 'new')));
  const groups = await listLinks(folder, 'v.img');
  t.is(groups['dev/fifo2'], 'dev/fifo');
  // mksquashfs makes a symlink of its own of each name.
  t.true([undefined, 'sbin/link -> init'].includes(groups['sbin/link2']));
  const listed = await callMoby(['ls', '-l', 'new', 'sbin/link2'], folder, {});
  t.regex(listed.stdout.toString(), / -> init\n/);
  t.deepEqual(await listLinks(folder, 'new'), groups);
  const diff = await callMoby(['diff', 'v.img', 'new', '--json'], folder, {});
  const { differences } = JSON.parse(diff.stdout.toString()) as { differences: readonly { path: string }[] };
  t.deepEqual(
    differences.map(({ path }) => path),
    ['etc/motd'],
  );
}

const makers: readonly (readonly [title: string, options: readonly string[]])[] = [
  ['not compressed', []],
  [
    'compressed by mkfs.erofs, with large clusters and packed tails',
    ['-zlz4hc', '-C65536', '-Eztailpacking'],
  ],
];
for (const [title, options] of makers)
  testNeeding('mkfs.erofs')(
    `an erofs, ${title}, gets a changed file, and fsck.erofs finds no fault`,
    async (t) => {
      const folder = await prepare(t);
      await run(t, folder, 'mkfs.erofs', '--preserve-mtime', ...options, 'v.img', 'root');
      await build(t, folder);
      await run(t, folder, 'fsck.erofs', '--extract=out', 'new');
      t.is(await readFile(join(folder, 'out/etc/motd'), 'utf8'), 'hello\n');
      t.deepEqual(
        await readFile(join(folder, 'out/sbin/large')),
        await readFile(join(folder, 'root/sbin/large')),
      );
      const listed = (
        await callMoby(['ls', '-l', 'new', 'sbin/large', 'sbin/init'], folder, {})
      ).stdout.toString();
      t.regex(listed, /-rwxr-sr-x .*sbin\/init\n/);
      t.regex(listed, /2001-02-03 04:05:06 +sbin\/large/);
    },
  );

testNeeding('mksquashfs', 'sqfs2tar')(
  'a squashfs gets a changed file, and unsquashfs lists all else as it was',
  async (t) => {
    const folder = await prepare(t);
    await run(t, folder, 'mksquashfs', 'root', 'v.img', '-quiet', '-no-progress', '-comp', 'xz', '-b', '64K');
    await build(t, folder);
    const list = async (name: string) =>
      (await run(t, folder, 'unsquashfs', '-UTC', '-lln', name))
        .split('\n')
        .filter((line) => !line.includes('etc/motd'));
    t.deepEqual(await list('new'), await list('v.img'));
    t.is(await run(t, folder, 'unsquashfs', '-cat', 'new', 'etc/motd'), 'hello\n');
    t.regex(await run(t, folder, 'unsquashfs', '-s', 'new'), /Compression xz[\s\S]*Block size 65536/);
  },
);

testNeeding(
  'mksquashfs',
  'mkfs.erofs',
  'sqfs2tar',
)(
  'what a file system takes, and what compresses it, is told of it, and not of the archive that it is shown as',
  async (t) => {
    const folder = await prepare(t);
    await run(t, folder, 'mksquashfs', 'root', 'v.squashfs', '-quiet', '-no-progress');
    await run(t, folder, 'mkfs.erofs', '-zlz4', 'v.erofs', 'root');
    for (const [name, compression] of [
      ['v.squashfs', 'gzip'],
      ['v.erofs', 'lz4'],
    ] as const) {
      const { size } = await stat(join(folder, name));
      const shown = (await callMoby(['inspect', name], folder, {})).stdout.toString();
      t.regex(
        shown,
        new RegExp(` file system of ${size} bytes, compressed by ${compression}\n\n${name} as an archive: `),
      );
      const json = (await callMoby(['inspect', name, '--json'], folder, {})).stdout.toString();
      t.is((JSON.parse(json) as { wrapper: { compression: string } }).wrapper.compression, compression);
      const planned = await callMoby(['plan', '-i', name, '-p', './motd'], folder, {});
      t.regex(planned.stdout.toString(), new RegExp(`compression: ${compression}, as in the file system`));
      t.regex(planned.stderr, /no kernel is known that boots this image.*\[kernel-missing\]/);
    }
  },
);

testNeeding('mksquashfs')('a tar of sqfs2tar that is damaged is a fault of the squashfs', async (t) => {
  const folder = await prepare(t);
  await run(t, folder, 'mksquashfs', 'root', 'v.img', '-quiet', '-no-progress');
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/sqfs2tar'), '#!/bin/sh\nhead -c 1024 "$0" /dev/urandom\n', {
    mode: 0o755,
  });
  const script = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
  const environment = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  const argv = [process.execPath, script, 'ls', 'v.img'];
  const { exitCode, output } = await runProcess(argv, { signal, timeout: 60, cwd: folder, environment });
  t.is(exitCode, 2);
  t.regex(output, /v\.img: sqfs2tar wrote a tar that cannot be read .* \[wrapper-invalid\]/);
});

testNeeding('mkfs.erofs')(
  'what stands behind a file system, and what shapes an archive, is refused before a step runs',
  async (t) => {
    const folder = await prepare(t);
    await run(t, folder, 'mkfs.erofs', 'v.img', 'root');
    const both = ['build', '-p', './motd', '-o', 'new', '-i'];
    t.regex(
      (await call(folder, ...both, 'v.img', '--compression', 'zstd')).stderr,
      /--compression is for initrds.*\[wrapper-unfit\]/s,
    );
    const newer = await readFile(join(folder, 'v.img'));
    newer[1024 + 80] = 0x80;
    await writeFile(join(folder, 'newer.img'), newer);
    const listed = await callMoby(['ls', 'newer.img'], folder, {});
    t.regex(listed.stderr, /has an unknown feature \(0x80\), which is not read here \[wrapper-unread\]/);
    await writeFile(
      join(folder, 'v.img'),
      Buffer.concat([await readFile(join(folder, 'v.img')), Buffer.from('tree')]),
    );
    t.regex(
      (await call(folder, ...both, 'v.img')).stderr,
      /found 4 bytes behind the file system.*\[wrapper-unfit\]/s,
    );
  },
);

testNeeding('mksquashfs', 'sqfs2tar')(
  'a squashfs in an initrd is named by its path, and nothing else of the initrd changes',
  async (t) => {
    const folder = await prepare(t);
    await run(t, folder, 'mksquashfs', 'root', 'root.squashfs', '-quiet', '-no-progress');
    const content = await readFile(join(folder, 'root.squashfs'));
    await writeFile(
      join(folder, 'v.img'),
      createArchive([
        directory('usr'),
        { ...file('usr/root.squashfs', ''), body: content },
        file('init', '#!/bin/sh\n', { mode: 0o100755 }),
      ]),
    );
    const args = ['build', '-i', 'v.img#usr/root.squashfs', '-o'];
    t.is((await call(folder, ...args, 'same')).code, 0);
    t.deepEqual(await readFile(join(folder, 'same')), await readFile(join(folder, 'v.img')));
    const built = await call(folder, ...args, 'new', '-p', './motd');
    t.is(built.code, 0, built.stderr);
    const shown = (
      await callMoby(['cat', 'new#usr/root.squashfs', 'etc/motd'], folder, {})
    ).stdout.toString();
    t.is(shown, 'hello\n');
    const diff = (await callMoby(['diff', 'v.img', 'new'], folder, {})).stdout.toString();
    t.regex(diff, /^~ usr\/root.squashfs {2}.*content\n0 added, 1 changed, 0 removed/s);
    const refused = await callMoby(['inspect', 'v.img#init'], folder, {});
    t.regex(refused.stderr, /init in it is no squashfs and no erofs \[wrapper-part\]/);
  },
);
