import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { cli, runMoby } from '../fixtures/images/moby.js';
import { createProjectFolder, image } from './project.js';

/** In a process of its own, or in this one. */
const run = (folder: string, ...args: string[]) => runMoby(args, { folder });
const call = (folder: string, ...args: string[]) => callMoby(args, folder, {});

test('a mistyped command, option, engine or number is exit 2 with a suggestion', async (t) => {
  const folder = await createProjectFolder(t);
  for (const args of [
    ['biuld'],
    ['build', '--imgae', 'x'],
    ['build', '--engine', 'dokcer'],
    ['build', '--level', 'x'],
    ['inspect'],
  ]) {
    const { code, stderr } = await run(folder, ...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, /^moby-patch: .* \[(command|option|arguments)-\w+\]\n {2}try: |image-missing/);
  }
  t.regex((await run(folder, 'biuld')).stderr, /try: moby-patch build\n/);
});

test('--help and --version are exit 0 on standard output', async (t) => {
  const folder = await createProjectFolder(t);
  t.regex((await run(folder, '--help')).stdout, /build.*plan.*inspect/s);
  t.regex((await run(folder, '--version')).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('inspect, ls and cat show an image; --json prints a value and nothing else', async (t) => {
  const folder = await createProjectFolder(t);
  t.regex((await call(folder, 'inspect', 'initrd.img')).stdout, /cpio .* gzip .* 5/);
  const layout = JSON.parse((await call(folder, 'inspect', '--json', 'initrd.img')).stdout);
  t.is(layout.size, image.length);
  t.is((await call(folder, 'ls', 'initrd.img')).stdout, '.\netc\netc/passwd\nbin\ninit\n');
  t.is((await call(folder, 'cat', 'initrd.img', 'bin/passwd')).stdout, 'root\n');
  const listed = JSON.parse((await call(folder, 'ls', '--json', 'initrd.img', 'bin')).stdout);
  t.like(listed[0], { path: 'bin', type: 'symlink', target: 'etc' });
  t.is((await call(folder, 'explain', '--json', 'initrd.img', 'bin')).code, 0);
});

test('an image comes from standard input and a build goes to standard output', async (t) => {
  const folder = await createProjectFolder(t);
  const child = spawn(process.execPath, [cli, 'build', '-q', '-i', 'initrd.img', '-o', '-'], { cwd: folder });
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout) pieces.push(piece);
  t.true(Buffer.concat(pieces).equals(image));
  const inspect = spawn(process.execPath, [cli, 'inspect', '-', '--json'], { cwd: folder });
  inspect.stdin.end(image);
  let text = '';
  for await (const piece of inspect.stdout) text += piece;
  t.is(JSON.parse(text).size, image.length);
});

test('a reader that stops reading is no error', async (t) => {
  const folder = await createProjectFolder(t);
  const many = createArchive(
    Array.from({ length: 20_000 }, (_, index) => file(`a-file-with-a-long-name-${index}`, '')),
  );
  await writeFile(join(folder, 'many.img'), many);
  const child = spawn('sh', ['-c', `'${process.execPath}' '${cli}' ls many.img 2>err | head -n 1`], {
    cwd: folder,
  });
  let text = '';
  for await (const piece of child.stdout) text += piece;
  t.is(text, 'a-file-with-a-long-name-0\n');
  t.is(await readFile(join(folder, 'err'), 'utf8'), '');
});
