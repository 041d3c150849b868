import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTinyArchive } from '../boot/tiny-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';

const missing = findMissingProgram('bash', 'ls');
const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

/** Runs node where the caller has a file open at numbers below and above the gap at which libuv stops. */
async function runWithOpenFiles(cwd: string, args: readonly string[], path = ''): Promise<string> {
  const script = 'exec 3<"$0" 9<"$0" 50<"$0" 200<"$0"; exec "$@"';
  const env = { ...process.env, MOBY_PATCH_CACHE: 'none', PATH: `${path}:${process.env.PATH}` };
  const argv = ['-c', script, resolve('package.json'), process.execPath, ...args];
  return (await run('bash', argv, { cwd, env }).catch((error) => error)).stdout;
}

declareTest(missing, 'a program that a library starts gets no file that its process inherited', async (t) => {
  const source = `
    import { runProcess } from ${JSON.stringify(import.meta.resolve('#src/io/process/process.js'))};
    const options = { signal: new AbortController().signal, timeout: 60 };
    console.log((await runProcess(['ls', '-l', '/proc/self/fd'], options)).output);`;
  const output = await runWithOpenFiles('.', ['--input-type=module', '-e', source]);
  t.regex(output, / 0 -> /);
  t.notRegex(output, /package\.json/);
  t.regex(output, / 200 -> \/dev\/null/, 'something harmless stands in its place');
});

declareTest(missing, 'QEMU gets no descriptor besides its streams', async (t) => {
  const folder = await createTestFolder(t);
  const program =
    '#!/bin/sh\nls -l /proc/self/fd >>"$(dirname "$0")/seen"\necho "QEMU emulator version 7.2"\n';
  await writeFile(join(folder, 'qemu-system-x86_64'), program, { mode: 0o755 });
  await runWithOpenFiles(folder, [cli, 'doctor'], folder);
  const seen = await readFile(join(folder, 'seen'), 'utf8');
  t.regex(seen, / 0 -> /);
  t.notRegex(seen, / (?:50|200) -> |package\.json/);
});

declareTest(missing ?? noNamespaces, 'a step gets no descriptor besides its streams', async (t) => {
  const folder = await createTestFolder(t);
  const ls = { path: 'bin/ls', type: 'symlink' as const, body: 'busybox' };
  await writeFile(join(folder, 'in.img'), await createTinyArchive(undefined, [ls]));
  await mkdir(join(folder, 'list'));
  const patch = 'title: List\nsteps:\n  - run: "ls -l /proc/self/fd; exit 7"\n';
  await writeFile(join(folder, 'list/patch.yaml'), patch);
  const args = ['build', '-i', 'in.img', '-p', './list', '--no-verify', '--engine', 'local', '--json'];
  const report = JSON.parse(await runWithOpenFiles(folder, [cli, ...args]));
  const { message } = report.error;
  t.regex(message, /exit code 7/);
  t.regex(message, / 2 -> /);
  t.notRegex(message, / (?:9|50|200) -> |package\.json/);
});
