import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { createInit, noBench } from '../boot/tiny-guest.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { findNode, noNodeBinaries } from '../fixtures/node-versions.js';
import { sampleBy } from '../fixtures/soak.js';

const missing = noNodeBinaries ?? noBench;

let project = '';

test.before(async () => {
  if (missing !== undefined) return;
  project = await mkdtemp(join(tmpdir(), 'consumer-'));
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: project });
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', project]);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }));
  run('sh', '-c', 'npm install --silent --no-audit --no-fund --engine-strict ./*.tgz @types/node@20');
  for (const name of readdirSync('examples')) await copyFile(join('examples', name), join(project, name));
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(strictest));
  await writeTinyImage(join(project, 'initrd.gz'), createInit('echo ready'));
  await mkdir(join(project, 'motd'));
  await writeFile(join(project, 'motd/patch.yaml'), patch);
});

test.after.always(() => rm(project, { recursive: true, force: true }));

/** `declaration`: a type of ours that a consumer cannot name is an error. */
const strictest = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    declaration: true,
    types: ['node'],
  },
};

const patch = `title: A greeting
steps:
  - file: {path: etc/motd, content: "hello from a consumer\\n"}
`;

declareSerialTest(missing, 'a strict consumer of the packed tarball type-checks', async (t) => {
  t.notThrows(() =>
    execFileSync('node', [resolve('node_modules/typescript/bin/tsc')], { cwd: project, stdio: 'pipe' }),
  );
});

// All other tests run on the Node of this machine: the newest is the one most unlike it.
for (const major of sampleBy([20, 22, 24], (version) => version === 24)) {
  declareSerialTest(missing, `it inspects, builds and boots on Node ${major}`, async (t) => {
    const { kernel } = (await findKernel()) as { readonly kernel: string };
    const program = await findNode(major);
    const args = ['build-and-boot.js', 'initrd.gz', './motd', kernel, `out-${major}.img`];
    const output = execFileSync(program, args, { cwd: project, encoding: 'utf8', stdio: 'pipe' });
    const lines = output.split('\n');
    for (const line of ['boot passed', 'added etc/motd', 'hello from a consumer', 'refused image-unknown'])
      t.true(lines.includes(line), output);
  });
}

declareSerialTest(
  missing,
  'it builds with a patch that it generates, and writes an archive of its own',
  (t) => {
    const run = (...args: string[]) =>
      execFileSync('node', args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = run('generate-patch.js', 'initrd.gz', 'rack.img', 'a=10.0.0.1', 'b=10.0.0.2').split('\n');
    t.is(lines.filter((line) => line.startsWith('would do: hosts ')).length, 2, lines.join('\n'));
    t.regex(lines[2] ?? '', /^wrote .*rack\.img: sha256 [0-9a-f]{64}$/);
    const archive = join(project, 'more.cpio');
    writeFileSync(
      archive,
      execFileSync('node', ['newc.js'], { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    t.is(execFileSync('cpio', ['-t', '--quiet', '-F', archive], { encoding: 'utf8' }), 'etc\netc/motd\n');
  },
);
