import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertLocked } from '#src/verify/assert-locked.js';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';

const createStock = (content: string) =>
  pad(gzip(createArchive([directory('.'), file('init', 'x', { mode: 0o100755 }), file('old', content)])));

async function createBench(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const writePatch = (content: string) =>
    writeFile(
      join(folder, 'add/patch.yaml'),
      `title: add\nsteps:\n  - file: {path: motd, content: ${content}}\n`,
    );
  await writeFile(join(folder, 'stock.img'), createStock('one'));
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: stock.img\npatches: [./add]\noutput: out.img\n');
  await mkdir(join(folder, 'add'));
  await writePatch('hi');
  const run = (...args: string[]) => callMoby(args, folder, {});
  return { folder, writePatch, run, build: (...args: string[]) => run('build', '--no-verify', ...args) };
}

test('a locked build gives the same bytes; the lock matches the manifest', async (t) => {
  const { folder, run, build } = await createBench(t);
  t.is((await build()).code, 0);
  const first = await readFile(join(folder, 'out.img'));
  const { code, stdout, stderr } = await run('lock', '--json');
  t.is(code, 0, stderr);
  t.regex(stderr, /was not booted/);
  const lock = JSON.parse(stdout);
  t.deepEqual(JSON.parse(await readFile(join(folder, 'moby-patch.lock'), 'utf8')), lock);
  const manifest = JSON.parse(await readFile(join(folder, 'out.img.manifest.json'), 'utf8'));
  t.like(lock, { input: manifest.input.sha256, output: manifest.output.sha256, plan: manifest.plan });
  t.is((await build('--locked')).code, 0);
  t.true((await readFile(join(folder, 'out.img'))).equals(first));
});

for (const [what, change, code] of [
  ['another input', ({ folder }) => writeFile(join(folder, 'stock.img'), createStock('two')), 2],
  ['another patch', ({ writePatch }) => writePatch('ho'), 2],
  ['another level', () => Promise.resolve(), 1],
] as const satisfies readonly (readonly [
  string,
  (bench: Awaited<ReturnType<typeof createBench>>) => Promise<void>,
  number,
])[]) {
  test(`${what}: a locked build is refused and the old output stays`, async (t) => {
    const bench = await createBench(t);
    await bench.build();
    t.is((await bench.run('lock')).code, 0);
    const first = await readFile(join(bench.folder, 'out.img'));
    await change(bench);
    const options = what === 'another level' ? ['--level', '1'] : [];
    const ran = await bench.build('--locked', '--json', ...options);
    t.is(ran.code, code, ran.stderr);
    t.is(JSON.parse(ran.stdout).error.code, 'lock-mismatch');
    t.true((await readFile(join(bench.folder, 'out.img'))).equals(first));
  });
}

test('auto never appends in a locked build', async (t) => {
  const { run, build } = await createBench(t);
  t.is((await build()).code, 0);
  t.is((await run('lock')).code, 0);
  const { stdout, code } = await build('--locked', '--mode', 'auto', '--json');
  t.is(code, 0);
  t.like(JSON.parse(stdout).mode, { name: 'rewrite' });
  t.regex(JSON.parse(stdout).mode.reason, /locked/);
  t.like(JSON.parse((await build('--mode', 'auto', '--json')).stdout).mode, { name: 'append' });
});

test('a missing or wrong lock, manifest or image is exit 2 with the command to type', async (t) => {
  const { folder, run, build } = await createBench(t);
  const missing = await build('--locked');
  t.is(missing.code, 2);
  t.regex(missing.stderr, /there is no lock here[\s\S]*moby-patch lock/);
  const none = await run('lock');
  t.is(none.code, 2);
  t.regex(none.stderr, /there is no manifest here/);
  await build();
  await writeFile(join(folder, 'out.img'), 'another');
  const other = await run('lock');
  t.is(other.code, 2);
  t.regex(other.stderr, /not the one that its manifest describes/);
  for (const text of ['', '[]', '{"version": 2}', '{"version": 1, "input": "x"}']) {
    await writeFile(join(folder, 'moby-patch.lock'), text);
    const { code, stderr } = await build('--locked');
    t.is(code, 2);
    t.regex(stderr, /this is not a lock/);
  }
});

test('a lock mismatch names packages of other versions', (t) => {
  const lock = { version: 1, input: 'i', plan: 'p', packages: { a: '1', b: '2' }, output: 'o' } as const;
  t.notThrows(() => assertLocked(lock, { packages: { b: '2', a: '1' } }));
  const error = t.throws(() => assertLocked(lock, { packages: { a: '1', b: '3', c: '4' } }), {
    code: 'lock-mismatch',
  });
  t.regex(error?.message ?? '', /b 3 instead of 2, c 4 is new/);
  t.notThrows(() => assertLocked(undefined, { input: 'x' }));
});
