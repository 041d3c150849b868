import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { chooseJobs } from '#src/fleet/targets/choose-jobs.js';
import { formatMatrix } from '#src/fleet/targets/ci-matrix.js';
import { findMakers } from '#src/setup/targets/find-makers.js';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { callMoby } from '../fixtures/command-context.js';
import { targetsSchema } from '../report/targets-schema.js';

const text = `image: initrd.img
patches: [motd]
targets:
  edge:
    matrix: {site: [oslo, rome]}
    settings: {name: "\${site}"}
  lone: {output: lone.img}
`;

async function createProject(t: ExecutionContext, configuration = text) {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  await writeFile(join(folder, 'moby-patch.yaml'), configuration);
  const moby = async (...args: string[]) => {
    const ran = await callMoby(args, folder, { MOBY_PATCH_CACHE: join(folder, 'cache') });
    return { ...ran, lines: ran.stdout.split('\n') };
  };
  const build = async (...more: string[]) => {
    const { stdout, code } = await moby('build', '--all', '--no-verify', '--json', ...more);
    const report = targetsSchema.parse(JSON.parse(stdout));
    return { code, report, states: report.targets.map(({ state }) => state) };
  };
  return { folder, moby, build };
}

test('all targets are built, and what is unchanged is not built again', async (t) => {
  const { folder, moby, build } = await createProject(t);
  const first = await build('--report', 'out.md', '--report', 'out.junit.xml');
  t.deepEqual(first.states, ['built', 'built', 'built']);
  t.is(first.code, 0);
  t.regex(await readFile(join(folder, 'out.junit.xml'), 'utf8'), /tests="3" failures="0"/);
  t.regex(await readFile(join(folder, 'out.md'), 'utf8'), /3 built/);
  t.deepEqual((await build()).states, ['unchanged', 'unchanged', 'unchanged']);

  // One by itself is the same build.
  const path = join(folder, 'out/edge-oslo.img');
  const bytes = await readFile(path);
  await rm(path);
  t.is((await moby('build', '--target', 'edge-oslo', '--no-verify', '-q')).code, 0);
  t.deepEqual(await readFile(path), bytes);

  await writeFile(path, 'changed by hand');
  t.deepEqual((await build()).states, ['built', 'unchanged', 'unchanged']);
  await writePatch(folder, motd.replace('hello $', 'good day $'));
  t.deepEqual((await build('--target', 'lone', '--target', 'edge-rome')).states, ['built', 'built']);
  t.deepEqual((await build()).states, ['built', 'unchanged', 'unchanged']);
  t.deepEqual((await build('--level', '1')).states, ['built', 'built', 'built']);
});

test('a target that fails keeps others from beginning, unless they are to go on', async (t) => {
  const broken = text.replace('  edge:', '  broken: {image: none.img}\n  edge:');
  const { build } = await createProject(t, broken);
  const stopped = await build('--jobs', '1');
  t.deepEqual(stopped.states, ['failed', 'left out', 'left out', 'left out']);
  t.is(stopped.code, 2);
  t.is(stopped.report.targets[0]?.error?.code, 'image-unknown');
  const { states, code } = await build('--keep-going');
  t.deepEqual(states, ['failed', 'built', 'built', 'built']);
  t.is(code, 2);
});

const chain = `image: initrd.img
patches: [motd]
settings: {name: first}
targets:
  last: {image: link/middle.img, patches: [last]}
  middle: {image: out/base.img, patches: [middle]}
  base: {}
`;

/** The link leads nowhere before the first build. */
async function createChain(t: ExecutionContext, configuration = chain) {
  const project = await createProject(t, configuration);
  await symlink('out', join(project.folder, 'link'));
  for (const name of ['last', 'middle']) {
    const patch = join(project.folder, 'patches', name);
    await mkdir(patch);
    await writeFile(
      join(patch, 'patch.yaml'),
      `title: Add ${name}\nsteps:\n  - file: {path: ${name}, content: x}\n`,
    );
  }
  return project;
}

test('a target waits for the one whose output it is made from, also behind a link', async (t) => {
  const { moby, build, folder } = await createChain(t);
  t.deepEqual((await build('--jobs', '1')).states, ['built', 'built', 'built']);
  await writePatch(folder, motd.replace('hello $', 'good day $'));
  t.deepEqual((await build('--jobs', '3')).states, ['built', 'built', 'built']);
  t.deepEqual((await build('--jobs', '3')).states, ['unchanged', 'unchanged', 'unchanged']);
  const { stderr } = await moby('plan', '--matrix');
  t.regex(stderr, /last is made from the output of middle, and jobs of CI run side by side/);
  const alone = await moby('plan', '--matrix', '--target', 'last', '--target', 'base');
  t.is(alone.stderr, '');
});

for (const flag of ['--keep-going', '--fail-fast'])
  test(`a target is left out where the one that it is made from failed, with ${flag}`, async (t) => {
    const { moby } = await createChain(t, chain.replace('base: {}', 'base: {image: none.img}'));
    const ran = await moby('build', '--all', '--no-verify', '--json', flag);
    const { targets } = targetsSchema.parse(JSON.parse(ran.stdout));
    t.deepEqual(
      targets.map(({ state }) => state),
      ['left out', 'left out', 'failed'],
    );
    t.is(ran.code, 2);
    t.regex(ran.stderr, /middle: left out: it is made from the output of base/);
  });

test('targets that are made from each other are refused', async (t) => {
  const { moby } = await createChain(t, chain.replace('base: {}', 'base: {image: ./out/last.img}'));
  const { code, stderr } = await moby('build', '--all', '--no-verify');
  t.is(code, 2);
  t.regex(stderr, /last from middle from base from last.*/);
  t.regex(stderr, /\[targets-circle\]/);
});

test('what a target writes into a folder, or a wrapper around its image, is its output too', (t) => {
  const create = (name: string, values: object) => ({
    name,
    axes: {},
    architecture: undefined,
    configuration: { folder: '/project', values },
  });
  const split = create('split', { split: 'parts' });
  const disk = create('disk', { output: 'vm.iso' });
  const both = create('both', { image: ['parts/a.img', 'vm.iso#boot/initrd'], output: 'both.img' });
  const beside = create('beside', { image: 'parts.img', output: 'vm.iso.d/x.img' });
  const makers = findMakers([both, split, disk, beside]);
  t.deepEqual([...makers], [[both, [split, disk]]]);
});

const wrong: Readonly<Record<string, readonly [string, RegExp]>> = {
  'two targets with one output': ['{a: {output: x.img}, b: {output: ./x.img}}', /both a and b write x.img/],
  'an output that is the manifest of another': [
    '{a: {output: x.img}, b: {output: x.img.manifest.json}}',
    /both a and b write x.img.manifest.json/,
  ],
  'an exclude that leaves nothing': [
    '{a: {matrix: {x: [p, q]}, exclude: [{x: p}, {x: q}]}}',
    /:3:\d+: targets.a.exclude: every combination is left out/,
  ],
};
for (const [what, [targets, message]] of Object.entries(wrong))
  test(`${what} is refused`, async (t) => {
    const { moby } = await createProject(t, `image: initrd.img\npatches: [motd]\ntargets: ${targets}\n`);
    for (const args of [
      ['plan', '--matrix'],
      ['build', '--all', '--no-verify'],
    ]) {
      const { code, stderr } = await moby(...args);
      t.is(code, 2);
      t.regex(stderr, message);
    }
  });

test('CI gets a job for each target', async (t) => {
  const { moby } = await createProject(t, text.replace('lone: {', 'lone: {architecture: arm64, '));
  t.deepEqual(JSON.parse((await moby('plan', '--matrix')).stdout), {
    include: [
      { site: 'oslo', target: 'edge-oslo' },
      { site: 'rome', target: 'edge-rome' },
      { architecture: 'arm64', target: 'lone' },
    ],
  });
  t.deepEqual(JSON.parse((await moby('plan', '--matrix', 'gitlab')).stdout), {
    'edge-oslo': { extends: '.moby-patch-target', variables: { TARGET: 'edge-oslo' } },
    'edge-rome': { extends: '.moby-patch-target', variables: { TARGET: 'edge-rome' } },
    lone: { extends: '.moby-patch-target', variables: { TARGET: 'lone', ARCHITECTURE: 'arm64' } },
  });
  const { stdout } = await moby('plan', '--target', 'edge-oslo', '--no-verify');
  t.regex(stdout, /output {2}out\/edge-oslo.img/);
});

test('a target with the name of a keyword of GitLab gets a job of another name', (t) => {
  const names = ['default', 'image', 'pages', 'workflow', 'true', 'images'];
  const configuration = { folder: '/project', values: {} };
  const targets = names.map((name) => ({ name, axes: {}, architecture: undefined, configuration }));
  const jobs = formatMatrix(targets, 'gitlab') as Record<string, { readonly variables: object }>;
  t.deepEqual(Object.keys(jobs), [
    ...['target:default', 'target:image', 'target:pages', 'target:workflow', 'target:true', 'images'],
  ]);
  t.deepEqual(jobs['target:image']?.variables, { TARGET: 'image' });
});

const refused: Readonly<Record<string, readonly string[]>> = {
  'option-wrong': ['build', '--all', '-i', 'initrd.img'],
  'target-unknown': ['build', '--target', 'edge-olso'],
  'report-unknown': ['build', '--all', '--report', 'x.pdf'],
};
for (const [code, args] of Object.entries(refused))
  test(`${args.join(' ')} is refused`, async (t) => {
    const { moby } = await createProject(t);
    const ran = await moby(...args);
    t.is(ran.code, 2);
    t.true(ran.stderr.includes(`[${code}]`), ran.stderr);
  });

test('check looks at the patches and settings of each target', async (t) => {
  const { moby } = await createProject(t, text.replace('{name: "', '{nmae: "'));
  const { stdout, stderr } = await moby('check');
  t.regex(stdout + stderr, /moby-patch.yaml:6:22: settings: found "nmae" \(did you mean "name"\?\)/);
});

test('no more is built at a time than there are cores, and than fits into memory', (t) => {
  t.is(chooseJobs({ cores: 8, memory: 100_000 }, 512), 8);
  t.is(chooseJobs({ cores: 8, memory: 2000 }, 512), 2);
  t.is(chooseJobs({ cores: 8, memory: 10 }, 512), 1);
});
