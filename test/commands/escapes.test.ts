import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { showText } from '#src/format/show-text.js';
import { createArchive, createTestFolder, directory, file, gzip, symlink } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import type { Ran } from '../fixtures/images/moby.js';
import { findReasonToSkip } from '../fixtures/local-executor.js';
import { declareTest } from '../fixtures/needs.js';

// Before the first test is declared.
const reason = noBusybox ?? (await findReasonToSkip());

/** A title of the window, colours, a cleared screen, a turned line, a carriage return. */
const hostile = 'a\x1b]0;owned\x07\x1b[31m\x1b[2J\u202e\u2066\x9b2J\rb';

const image = (more = '') =>
  gzip(
    createArchive([
      directory('etc'),
      file('etc/os-release', `PRETTY_NAME="${hostile}"\n`),
      file(`etc/${hostile}`, `${hostile}${more}\n`),
      symlink('link', hostile),
      file(`missing${hostile}/x`, ''),
      file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    ]),
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

function assertShown(t: ExecutionContext, { stdout, stderr }: Ran, what: string): void {
  t.notRegex(stdout, obeyed, what);
  t.notRegex(stderr, obeyed, what);
}

/** Two images, and a patch of this text. */
async function setUp(t: ExecutionContext, patch: string): Promise<string> {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'bad'));
  await writeFile(join(folder, 'a.img'), image());
  await writeFile(join(folder, 'b.img'), image('more'));
  await writeFile(join(folder, 'bad/patch.yaml'), patch);
  return folder;
}

const title = JSON.stringify(hostile).replaceAll('\u202e', '\\u202e').replaceAll('\x9b', '\\u009b');

for (const args of [
  ['inspect', 'a.img'],
  ['inspect', 'a.img', '--json'],
  ['ls', 'a.img'],
  ['ls', '-l', 'a.img'],
  ['ls', '--json', 'a.img'],
  ['ls', 'a.img', `${hostile}*`],
  ['cat', 'a.img', hostile],
  ['cat', 'a.img', 'link'],
  ['diff', 'a.img', 'b.img'],
  ['diff', 'a.img', 'b.img', '--json'],
  ['inspect', hostile],
  ['unpack', 'a.img', '-o', 'root', '--json'],
  ['plan', '-i', 'a.img', '-p', './bad', '--no-verify'],
  ['build', '-i', 'a.img', '-p', './bad', '--no-verify', '-o', 'out.img', '--report', 'r.md'],
  ['build', '-i', 'a.img', '-p', hostile, '--no-verify', '--json'],
  [hostile],
  ['build', `--${hostile}`],
])
  test(`nothing that a terminal obeys comes out of ${showText(args.join(' ')).slice(0, 60)}`, async (t) => {
    const folder = await setUp(t, `title: ${title}\nsteps:\n  - file: {path: ${title}, content: x}\n`);
    const ran = await callMoby(args, folder, { HOME: folder });
    assertShown(t, ran, args.join(' '));
    t.not(ran.stdout + ran.stderr, '');
  });

test('what is wrong in a patch is told in text that no terminal obeys', async (t) => {
  const folder = await setUp(t, `title: t\n${title}: 1\nsteps:\n  - ${title}: 1\n  - file: ${title}\n`);
  const ran = await callMoby(['check', join(folder, 'bad')], folder, {});
  t.is(ran.code, 2);
  assertShown(t, ran, 'check');
  t.regex(ran.stderr, /\\x1b/);
});

test('cat writes the bytes of a file as they are', async (t) => {
  const folder = await setUp(t, 'title: t\nsteps:\n  - file: {path: x, content: y}\n');
  await writeFile(join(folder, 'c.img'), gzip(createArchive([file('f', '\x1b[31mred')])));
  t.is((await callMoby(['cat', 'c.img', 'f'], folder, {})).stdout, '\x1b[31mred');
});

declareTest(reason, 'escape sequences of a step reach neither the terminal nor a report', async (t) => {
  const folder = await setUp(
    t,
    'title: escapes\nsteps:\n  - run: "printf \'\\\\033]0;owned\\\\007\\\\033[31mred\\\\n\'; exit 3"\n',
  );
  const links = ['sh', 'env', 'printf'].map((name) => symlink(`bin/${name}`, 'busybox'));
  const program = { name: 'bin/busybox', mode: 0o100755, body: await readFile(busybox) };
  await writeFile(join(folder, 'a.img'), gzip(createArchive([directory('bin'), program, ...links]), 1));
  const names = ['r.md', 'r.txt', 'r.html', 'r.json', 'r.junit.xml'];
  const reports = names.flatMap((name) => ['--report', name]);
  const args = ['build', '-i', 'a.img', '-p', './bad', '--engine', 'local', '--no-verify', '-o', 'o.img'];
  const ran = await callMoby([...args, ...reports], folder, {});
  t.is(ran.code, 1);
  t.regex(ran.stderr, /\\x1b\]0;owned\\x07\\x1b\[31mred/);
  assertShown(t, ran, 'build');
  for (const name of names) t.notRegex(await readFile(join(folder, name), 'utf8'), obeyed, name);
  t.false((await readdir(folder)).includes('o.img'));
});
