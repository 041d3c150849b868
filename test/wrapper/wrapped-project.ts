import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';

const { signal } = new AbortController();
/** An archive of 512 bytes. */
export const stock = createArchive([
  directory('.'),
  directory('etc'),
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
]);
const patch = 'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello\\n"}\n';

/** A folder with an initrd, a kernel and a patch. */
export async function prepare(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'motd'), { recursive: true });
  await writeFile(join(folder, 'motd/patch.yaml'), patch);
  await writeFile(join(folder, 'initrd.img'), stock);
  await writeFile(join(folder, 'vmlinuz'), Buffer.alloc(5000, 'kernel'));
  return folder;
}

/** Runs a program that has to end well. */
export async function run(t: ExecutionContext, folder: string, ...argv: string[]): Promise<string> {
  const { exitCode, output } = await runProcess(argv, { signal, timeout: 60, cwd: folder });
  t.is(exitCode, 0, output);
  return output;
}

export const call = (folder: string, ...args: string[]) =>
  callMoby([...args, '--no-verify', '--no-cache', '-q'], folder, {});

/** Builds without a patch, which changes nothing, and with one. */
export async function build(t: ExecutionContext, folder: string, name: string): Promise<void> {
  t.is((await call(folder, 'build', '-i', name, '-o', 'same')).code, 0);
  t.deepEqual(await readFile(join(folder, 'same')), await readFile(join(folder, name)));
  const built = await call(folder, 'build', '-i', name, '-p', './motd', '-o', 'new');
  t.is(built.code, 0, built.stderr);
}

export async function readMotd(folder: string, image: string): Promise<string> {
  return (await callMoby(['cat', image, 'etc/motd'], folder, {})).stdout.toString();
}
