import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { decodePath, parseShownPath, showPath } from '#src/format/path.js';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';

const call = (folder: string, ...args: string[]) => callMoby(args, folder, {});
const lines = (stdout: string | Buffer) => stdout.toString().split('\n').slice(0, -1);

/** The second archive changes a file of the first, and has no directory for it. */
const image = Buffer.concat([
  pad(
    gzip(
      createArchive([
        directory('.'),
        directory('etc'),
        directory('etc/deep', { mode: 0o040750 }),
        file('etc/both', 'first'),
        file('etc/deep/a', 'a'),
        file('init', 'init', { mode: 0o100755 }),
      ]),
    ),
  ),
  createArchive([file('etc/both', 'second'), file('etc/b\\c', 'backslash'), file('etc/c1\u0085', 'control')]),
]);

async function createImage(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'in.img'), image);
  return folder;
}

test('any name is given back as it is shown', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const path = decodePath(bytes);
      return parseShownPath(showPath(path)) === path;
    }),
  );
  for (const text of ['a\u0085b', 'a\u00adb', '\u202e', 'a\\x41', '\udc85\udcff', '\\', '\\\\', '\\u{41}'])
    t.is(parseShownPath(showPath(text)), text);
  t.is(parseShownPath('a\\b'), 'a\\b', 'a backslash that begins no notation');
  t.is(parseShownPath('\\x41\\u{e9}'), 'A\u00e9');
});

test('ls and cat take names as ls shows them, several paths, and one archive alone', async (t) => {
  const folder = await createImage(t);
  const shown = lines((await call(folder, 'ls', 'in.img')).stdout);
  t.true(shown.includes('etc/b\\\\c') && shown.includes('etc/c1\\u{85}'));
  for (const [name, body] of [
    ['etc/b\\\\c', 'backslash'],
    ['etc/c1\\u{85}', 'control'],
  ] as const) {
    t.deepEqual(lines((await call(folder, 'ls', 'in.img', name)).stdout), [name]);
    t.is((await call(folder, 'cat', 'in.img', name)).stdout.toString(), body);
  }
  t.is((await call(folder, 'cat', 'in.img', 'etc/both', 'init')).stdout.toString(), 'secondinit');
  t.is((await call(folder, 'cat', 'in.img', 'etc/both', '--segment', '0')).stdout.toString(), 'first');
  const { segments } = JSON.parse((await call(folder, 'inspect', 'in.img', '--json')).stdout.toString());
  const last = String(segments.length - 1);
  const second = lines((await call(folder, 'ls', 'in.img', '--segment', last)).stdout);
  t.deepEqual(second, ['etc/both', 'etc/b\\\\c', 'etc/c1\\u{85}']);
  const wrong = await call(folder, 'ls', 'in.img', '--segment', '9');
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /segment 9 is no archive.*\[segment-unknown\]\n {2}try: --segment 0 or \d/);
  const missing = await call(folder, 'cat', 'in.img', 'init', 'etc/none');
  t.is(missing.code, 2);
  t.is(missing.stdout.toString(), '', 'nothing is written before all are found');
  t.is((await call(folder, 'cat', 'in.img')).code, 2);
});

test('unpack writes what globs match, with the folders above', async (t) => {
  const folder = await createImage(t);
  const { code, stdout } = await call(folder, 'unpack', 'in.img', 'etc/deep', '-o', 'part');
  t.is(code, 0);
  t.regex(stdout.toString(), /part: 4 entries, a part of the image/);
  t.deepEqual((await readdir(join(folder, 'part'), { recursive: true })).sort(), [
    'etc',
    'etc/deep',
    'etc/deep/a',
  ]);
  t.is((await lstat(join(folder, 'part/etc/deep'))).mode & 0o777, 0o750);
  t.deepEqual((await readdir(folder)).sort(), ['in.img', 'part'], 'no sidecar');
  const again = await call(folder, 'unpack', 'in.img', 'etc/deep', '-o', 'part');
  t.regex(again.stderr, /\[output-exists\]/);
  const nothing = await call(folder, 'unpack', 'in.img', 'nope/*', '-o', 'none');
  t.is(nothing.code, 2);
  t.regex(nothing.stderr, /found no file that matches nope\/\* \[path-not-found\]/);
  t.deepEqual((await readdir(folder)).sort(), ['in.img', 'part']);
});

test('unpack writes one archive, or each into a folder of its own', async (t) => {
  const folder = await createImage(t);
  const { segments } = JSON.parse((await call(folder, 'inspect', 'in.img', '--json')).stdout.toString());
  await call(folder, 'unpack', 'in.img', '--segment', '0', '-o', 'first');
  t.is(await readFile(join(folder, 'first/etc/both'), 'utf8'), 'first');
  await call(folder, 'unpack', 'in.img', '--segment', String(segments.length - 1), '-o', 'last');
  t.deepEqual((await readdir(join(folder, 'last/etc'))).sort(), ['b\\c', 'both', 'c1\u0085']);
  t.is((await call(folder, 'unpack', 'in.img', '--subdir', 'part', '-o', 'all')).code, 0);
  t.is(await readFile(join(folder, 'all/part1/etc/both'), 'utf8'), 'first');
  t.is(await readFile(join(folder, 'all/part2/etc/both'), 'utf8'), 'second');
  const outside = await call(folder, 'unpack', 'in.img', '--subdir', '../x', '-o', 'out');
  t.regex(outside.stderr, /\[subdir-invalid\]/);
});

test('unpack --to-stdout writes the contents in the order of the image', async (t) => {
  const folder = await createImage(t);
  const all = await call(folder, 'unpack', 'in.img', '--to-stdout');
  t.is(all.stdout.toString(), 'ainitsecondbackslashcontrol');
  t.is((await call(folder, 'unpack', 'in.img', 'etc/both', '--to-stdout')).stdout.toString(), 'second');
  for (const more of [['-o', 'x'], ['--json'], ['--subdir', 'x']])
    t.regex((await call(folder, 'unpack', 'in.img', '--to-stdout', ...more)).stderr, /\[output-twice\]/);
  t.regex((await call(folder, 'unpack', 'in.img', 'etc', '-o', 'x.tar')).stderr, /\[output-twice\]/);
});

/** A root as an installer or a live system has it in its initrd. */
async function createRoot(folder: string): Promise<void> {
  await mkdir(join(folder, 'root/bin'), { recursive: true });
  await mkdir(join(folder, 'root/odd dir'));
  await writeFile(join(folder, 'root/bin/sh'), 'shell');
  await chmod(join(folder, 'root/bin/sh'), 0o4755);
  await symlink('sh', join(folder, 'root/bin/ash'));
  await writeFile(join(folder, 'root/odd dir/a -> b'), '');
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'root/odd dir/n')), Buffer.of(0xff)]), '');
}

const inner = ['.', 'bin', 'bin/ash', 'bin/sh', 'odd dir', 'odd dir/a -> b', 'odd dir/n\\xff'];

for (const [kind, program, reader, make] of [
  ['squashfs', 'mksquashfs', 'unsquashfs', ['root', 'root.fs', '-quiet', '-no-progress']],
  ['erofs', 'mkfs.erofs', 'dump.erofs', ['-zlz4', 'root.fs', 'root']],
] as const)
  declareTest(
    findMissingProgram(program, reader),
    `ls lists what is in a file of an image that is ${kind}`,
    async (t) => {
      const folder = await createTestFolder(t);
      await createRoot(folder);
      execFileSync(program, make, { cwd: folder, stdio: 'ignore' });
      const body = await readFile(join(folder, 'root.fs'));
      const members = [directory('.'), directory('live'), { ...file('live/root.fs', ''), body }];
      await writeFile(join(folder, 'in.img'), gzip(createArchive(members)));
      t.deepEqual(lines((await call(folder, 'ls', 'in.img:live/root.fs')).stdout), inner);
      t.deepEqual(lines((await call(folder, 'ls', 'in.img:live/root.fs', 'bin/*')).stdout), [
        'bin/ash',
        'bin/sh',
      ]);
      const json = JSON.parse((await call(folder, 'ls', 'in.img:live/root.fs', '--json')).stdout.toString());
      const shell = json.find(({ path }: { path: string }) => path === 'bin/sh');
      t.like(shell, { type: 'file', size: 5, uid: (await lstat(join(folder, 'root'))).uid });
      if (kind === 'squashfs') {
        t.is(shell.mode, 0o4755);
        t.is(
          json.find(({ path }: { path: string }) => path === 'bin/ash').target,
          await readlink(join(folder, 'root/bin/ash')),
        );
      }
      await mkdir(join(folder, 'bin'));
      await symlink(process.execPath, join(folder, 'bin/node'));
      const lacking = await runCli(folder, ['ls', 'in.img:live/root.fs'], undefined, {
        PATH: join(folder, 'bin'),
      });
      t.is(lacking.code, 5);
      t.regex(lacking.stderr, new RegExp(`the program ${reader} is not installed \\[program-missing\\]`));
      // The first kilobyte has the magic words of both, and not what they lead to.
      const broken = members.map((member) =>
        member.name === 'live/root.fs'
          ? { ...member, body: Buffer.concat([body.subarray(0, kind === 'squashfs' ? 200 : 1100)]) }
          : member,
      );
      await writeFile(join(folder, 'broken.img'), createArchive(broken));
      const unreadable = await call(folder, 'ls', 'broken.img:live/root.fs');
      t.is(unreadable.code, 2, unreadable.stderr);
      t.regex(
        unreadable.stderr,
        new RegExp(`broken\\.img:live/root\\.fs: the ${kind} in it cannot be read.*\\[inner-unreadable\\]`),
      );
    },
  );

test('ls lists an initrd inside an image, and a file whose name has a colon', async (t) => {
  const folder = await createTestFolder(t);
  const members = [directory('.'), { ...file('initrd', ''), body: image }];
  await writeFile(join(folder, 'out:er.img'), createArchive(members));
  t.deepEqual(lines((await call(folder, 'ls', 'out:er.img')).stdout), ['.', 'initrd']);
  t.true(lines((await call(folder, 'ls', 'out:er.img:initrd')).stdout).includes('etc/deep/a'));
  const none = await call(folder, 'ls', 'out:er.img:nope');
  t.regex(none.stderr, /found nothing at nope/);
});

test('--data-align moves bodies to multiples, and asks for an archive that is not compressed', async (t) => {
  const folder = await createTestFolder(t);
  const bodies = [1, 2, 3].map((part) => file(`file${part}`, `${part}`.repeat(300 * part)));
  await writeFile(join(folder, 'in.img'), gzip(createArchive([directory('.'), file('init', ''), ...bodies])));
  const argv = ['build', '-q', '-i', 'in.img', '--no-verify', '-o', 'out.img', '--data-align', '256'];
  const compressed = await call(folder, ...argv);
  t.is(compressed.code, 2);
  t.regex(compressed.stderr, /\[align-compressed\]\n {2}try: --compression none/);
  t.is((await call(folder, ...argv, '--compression', 'none')).code, 0);
  const written = await readFile(join(folder, 'out.img'));
  for (const part of [1, 2, 3]) t.is(written.indexOf(`${part}`.repeat(300 * part)) % 256, 0, `${part}`);
  t.regex(
    (await call(folder, 'diff', 'in.img', 'out.img')).stdout.toString(),
    /^0 added, 0 changed, 0 removed/m,
  );
  await call(folder, 'unpack', 'out.img', '-o', 'root');
  await call(folder, 'repack', 'root', '-o', 'again.img', '--data-align', '256');
  t.deepEqual(await readFile(join(folder, 'again.img')), written);
  t.is((await call(folder, ...argv, '--compression', 'none', '--mode', 'append')).code, 2);
  t.is((await call(folder, 'build', '-i', 'in.img', '--data-align', '6')).code, 2);
});
