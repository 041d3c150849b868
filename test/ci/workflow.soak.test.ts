import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { createTestFolder } from '../fixtures/archive.js';
import { findInstaller } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

interface Workflow {
  readonly jobs: {
    readonly build: {
      readonly env: Record<string, string>;
      readonly steps: readonly {
        readonly name?: string;
        readonly run?: string;
        readonly with?: { readonly path?: string };
      }[];
    };
  };
}

const installer = await findInstaller();
const missing =
  typeof installer === 'string' ? installer : findMissingProgram('qemu-system-x86_64', 'npm', 'git');

const patch = `title: Say who built this image
steps:
  - file: {path: etc/motd, content: "built by the workflow"}
expects:
  - file: /etc/motd
`;

async function readWorkflow(): Promise<Workflow> {
  return parse(await readFile('.github/workflows/patched-initrd.yml', 'utf8'));
}

test('inputs reach the shell as variables only', async (t) => {
  const { jobs } = await readWorkflow();
  for (const { run } of jobs.build.steps) t.false(run?.includes('${{') ?? false, run);
});

test('the commands of the workflow are those of docs/ci.md', async (t) => {
  const page = await readFile('docs/ci.md', 'utf8');
  const { jobs } = await readWorkflow();
  for (const { name, run } of jobs.build.steps) {
    if (run === undefined || name === 'summary') continue;
    for (const line of run.trim().split('\n'))
      t.true(page.includes(line.replace(/^sudo env "PATH=\$PATH" /, '')), `the page lacks: ${line}`);
  }
});

declareSerialTest(
  missing,
  'the job runs from a fresh checkout and leaves the image, its manifest and the console',
  async (t) => {
    if (typeof installer === 'string') throw new Error(installer);
    const folder = await createTestFolder(t);
    const checkout = join(folder, 'checkout');
    const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
    for (const file of files) {
      await mkdir(join(checkout, file, '..'), { recursive: true });
      await cp(file, join(checkout, file));
    }
    await mkdir(join(checkout, 'motd'));
    await writeFile(join(checkout, 'motd/patch.yaml'), patch);
    // What the runner of the workflow has: sudo, and packages that are already there.
    const bin = join(folder, 'bin');
    await mkdir(bin);
    for (const [name, text] of [
      ['sudo', '#!/bin/sh\nexec "$@"\n'],
      ['apt-get', '#!/bin/sh\necho "$@"\n'],
    ] as const) {
      await writeFile(join(bin, name), text);
      await chmod(join(bin, name), 0o755);
    }
    const environment = {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      IMAGE: installer.initrd,
      PATCH: './motd',
      GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    };
    const { jobs } = await readWorkflow();
    for (const { run } of jobs.build.steps) {
      if (run !== undefined)
        execFileSync('bash', ['-eo', 'pipefail', '-c', run], {
          cwd: checkout,
          env: environment,
          stdio: 'pipe',
        });
    }
    const kept = jobs.build.steps.find((step) => step.with?.path !== undefined)?.with?.path ?? '';
    t.deepEqual((await readdir(join(checkout, kept))).sort(), [
      'initrd.img',
      'initrd.img.console.log',
      'initrd.img.manifest.json',
      'report.json',
      'report.md',
    ]);
    const manifest = JSON.parse(await readFile(join(checkout, kept, 'initrd.img.manifest.json'), 'utf8'));
    t.like(manifest, { verdict: 'passed', engine: 'stream' });
    t.regex(await readFile(join(folder, 'summary.md'), 'utf8'), /^# .*: done/);
  },
);
