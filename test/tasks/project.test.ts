import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parsePatch } from '#src/patch/language/parse-patch.js';
import { configurationSchema } from '#src/setup/configuration.js';
import { createProject } from '#src/tasks/project/create-project.js';
import {
  createConfigurationText,
  createPatchText,
  type ProjectTextOptions,
} from '#src/tasks/project/project-text.js';
import { writeProject } from '#src/tasks/project/write-project.js';
import { readYaml } from '#src/yaml/read-yaml.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { findInstaller } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest } from '../fixtures/needs.js';
import { createTestSession } from '../fixtures/session.js';

const image = gzip(createArchive([directory('.'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]));
const written = ['moby-patch.yaml', 'patches/example/patch.yaml'];

async function list(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}

const options: ProjectTextOptions = {
  folder: '/project',
  schemas: '/project/node_modules/moby-patch/schema',
  image: 'initrd.img',
  images: ['reference'],
  ids: ['nfs'],
  kernel: undefined,
  kernelBeside: undefined,
  patches: ['example'],
  parameters: [],
  settings: {},
  output: 'out.img',
};

function parseConfiguration(t: ExecutionContext, text: string) {
  const { value, problems } = readYaml(text, 'moby-patch.yaml');
  t.deepEqual(problems, []);
  return configurationSchema.parse(value);
}

const installer = await findInstaller();

declareTest(
  typeof installer === 'string' ? installer : undefined,
  'the files of init are valid, and a build with them adds the file to the Debian installer',
  async (t) => {
    if (typeof installer === 'string') throw new Error(installer);
    const folder = await createTestFolder(t);
    await copyFile(installer.initrd, join(folder, 'initrd.gz'));
    await copyFile(installer.kernel, join(folder, 'linux'));
    const init = await runMoby(['init'], { folder });
    t.is(init.code, 0, init.stderr);
    t.is(init.stdout, `${[...written].reverse().join(': written\n')}: written\nnext: moby-patch build\n`);
    t.deepEqual(await list(folder), ['initrd.gz', 'linux', ...written]);
    t.regex(
      await readFile(join(folder, 'moby-patch.yaml'), 'utf8'),
      /^image: initrd\.gz$[\s\S]*^# kernel: linux$/m,
    );
    const check = await runMoby(['check'], { folder });
    t.is(check.code, 0, check.stderr);
    t.regex(check.stdout, /example\/patch\.yaml: right\n[\s\S]*configuration moby-patch\.yaml: right/);
    const args = ['build', '-q', '--no-verify', '--mode', 'append', '--json'];
    const build = await runMoby(args, { folder });
    t.is(build.code, 0, build.stderr);
    const { output, diff } = JSON.parse(build.stdout);
    t.is(output, join(folder, 'initrd.patched.img'));
    t.like(diff.differences, [{ path: 'etc/moby-patch-example', kind: 'added', type: 'file' }]);
  },
);

test('existing files are replaced only with --force; without it no file is written', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: mine\n');
  const refused = await runMoby(['init', '--json'], { folder });
  t.is(refused.code, 2);
  t.regex(refused.stderr, /found moby-patch\.yaml; nothing was written \[init-exists\]\n {2}try: .*--force/);
  t.is(JSON.parse(refused.stdout).error.code, 'init-exists');
  t.deepEqual(await list(folder), ['moby-patch.yaml']);
  t.is(await readFile(join(folder, 'moby-patch.yaml'), 'utf8'), 'image: mine\n');
  const { stdout } = await callMoby(['init', '--force', '--json', '-o', 'out.img'], folder, {});
  t.like(JSON.parse(stdout), {
    image: 'initrd.img',
    files: [
      { path: 'patches/example/patch.yaml', state: 'written' },
      { path: 'moby-patch.yaml', state: 'replaced' },
    ],
  });
  t.deepEqual(await list(folder), written);
});

const files = [
  { path: 'patches/example/patch.yaml', text: 'one' },
  { path: 'moby-patch.yaml', text: 'two' },
];
const force = { isForced: true, isDry: false };

test('a dangling link counts as an existing file', async (t) => {
  const folder = await createTestFolder(t);
  await symlink('/nowhere', join(folder, 'moby-patch.yaml'));
  const write = writeProject(files, { ...force, isForced: false }, createTestSession(folder));
  t.like(await t.throwsAsync(write), { code: 'init-exists' });
  t.deepEqual(await readdir(folder), ['moby-patch.yaml']);
});

test('when one file cannot be written, none is', async (t) => {
  const folder = await createTestFolder(t);
  // A folder cannot be replaced by a file: found when the other file has its place already.
  await mkdir(join(folder, 'moby-patch.yaml'));
  const write = (at: string) => t.throwsAsync(writeProject(files, force, createTestSession(at)));
  t.like(await write(folder), { kind: 'invalid', code: 'output-unwritable' });
  t.deepEqual(await readdir(folder), ['moby-patch.yaml']);
  const other = await createTestFolder(t);
  await writeFile(join(other, 'patches'), '');
  t.like(await write(other), { kind: 'invalid', code: 'output-unwritable' });
  t.deepEqual(await readdir(other), ['patches']);
});

test('a failure leaves a folder that existed before', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'moby-patch.yaml'));
  await mkdir(join(folder, 'patches/other'), { recursive: true });
  await t.throwsAsync(writeProject(files, force, createTestSession(folder)));
  t.deepEqual(await readdir(join(folder, 'patches')), ['other']);
});

test('--dry-run prints what would be written and writes nothing', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  const { stdout } = await callMoby(['init', '--dry-run', '-o', 'new.img'], folder, {});
  t.regex(stdout, /^moby-patch\.yaml: would be written\n[\s\S]*^ {2}output: new\.img$/m);
  t.regex(stdout, /next: name the kernel that boots it/);
  t.deepEqual(await list(folder), ['initrd.img']);
});

test('patches, settings and image are checked before a file is written', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'linux'), 'MZ');
  const refused = [
    [{ image: 'refrence' }, 'image-unknown', /did you mean "reference"/],
    [{ image: 'linux' }, 'image-invalid', /found a text that begins with "MZ"/],
    [{ patches: ['nsf'] }, 'patch-unknown', /did you mean "nfs"/],
    [{ patches: ['nfs'], settings: { sever: 'x' } }, 'setting-unknown', /did you mean "server"/],
    [{ patches: ['nfs'], settings: { timeout: 'soon' } }, 'patch-invalid', /timeout: found "soon"/],
  ] as const;
  for (const [flags, code, message] of refused) {
    const error = await t.throwsAsync(
      createProject({ output: 'out.img', ...flags }, createTestSession(folder)),
      { message },
    );
    t.like(error, { kind: 'invalid', code });
  }
  t.deepEqual(await readdir(folder), ['linux']);
});

test('named patches take the place of the example, and their parameters are listed', async (t) => {
  const folder = await createTestFolder(t);
  const request = {
    image: 'reference',
    patches: ['nfs'],
    settings: { server: '10.0.2.2' },
    output: 'out.img',
  };
  await createProject(request, createTestSession(folder));
  t.deepEqual(await list(folder), ['moby-patch.yaml']);
  const text = await readFile(join(folder, 'moby-patch.yaml'), 'utf8');
  t.like(parseConfiguration(t, text), {
    image: 'reference',
    patches: ['nfs'],
    settings: { server: '10.0.2.2' },
  });
  t.regex(text, /^# {2}share: "\/Users" # The directory/m);
});

test('every option in a comment is valid without its #', (t) => {
  const parameter = { default: 'a: "b"', description: 'two\nlines' };
  const text = createConfigurationText({ ...options, parameters: [['greeting', parameter]] });
  const all = parseConfiguration(t, text.replace(/^# (?=[a-z]+:)/gm, '').replace(/^#(?= {2}\w+:)/gm, ''));
  t.like(all, {
    engine: 'auto',
    mode: 'rewrite',
    compression: 'gzip',
    level: 6,
    settings: { greeting: 'a: "b"' },
  });
  t.true(Object.keys(all).length >= 12, Object.keys(all).join(' '));
  const patch = createPatchText(options.schemas, options.folder).replace(/^#(?= {2}- )/gm, '');
  // Steps that stand behind `expects` in the file would be steps of nothing.
  const { problems } = parsePatch(patch, { id: 'example', folder: '', file: 'patch.yaml' });
  t.deepEqual(problems, []);
  t.is(patch.match(/^ {2}- (?!file: \/)/gm)?.length, 7);
});

test('values that look like other YAML come back unchanged', (t) => {
  for (const value of [
    'true',
    'null',
    '1.10',
    '~',
    'a: b',
    'x # y',
    '- z',
    '"q"',
    "it's",
    'a\nimage: b',
    '@x',
    '{',
    '*a',
    '.inf',
    'ä b',
  ]) {
    const text = createConfigurationText({
      ...options,
      image: value,
      kernel: value,
      patches: [value, value],
      output: value,
      settings: { [value]: value },
    });
    const expected = {
      image: value,
      kernel: value,
      patches: [value, value],
      output: value,
      settings: { [value]: value },
    };
    t.deepEqual(parseConfiguration(t, text), expected, value);
  }
});

test('editors find the schemas, in a project that contains the program and elsewhere', (t) => {
  const [first] = createConfigurationText(options).split('\n');
  t.is(first, '# yaml-language-server: $schema=node_modules/moby-patch/schema/moby-patch.schema.json');
  const [patch] = createPatchText(options.schemas, options.folder).split('\n');
  t.is(patch, '# yaml-language-server: $schema=../../node_modules/moby-patch/schema/patch.schema.json');
  const [other] = createConfigurationText({ ...options, schemas: '/usr/lib/some where' }).split('\n');
  t.is(other, '# yaml-language-server: $schema=https://unpkg.com/moby-patch@0/schema/moby-patch.schema.json');
});

test('a project says where its secrets come from, and takes no value of one', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/p'), { recursive: true });
  await writeFile(
    join(folder, 'patches/p/patch.yaml'),
    'title: T\nparameters:\n  api-token: {description: a token, secret: true}\nsteps:\n  - run: {script: x, secrets: [api-token]}\n',
  );
  const refused = await callMoby(['init', '-p', 'p', '-s', 'api-token=tell nobody'], folder, {});
  t.is(refused.code, 2);
  t.regex(refused.stderr, /\[secret-exposed\]/);
  t.notRegex(refused.stderr, /tell nobody/);
  t.is((await callMoby(['init', '-p', 'p'], folder, {})).code, 0);
  const file = join(folder, 'moby-patch.yaml');
  const text = await readFile(file, 'utf8');
  t.regex(text, /^# secrets:\n# {2}api-token: \{env: MOBY_PATCH_SECRET_API_TOKEN\} # a token$/m);
  await writeFile(file, text.replace(/^# secrets:\n# /m, 'secrets:\n '));
  const { problem } = JSON.parse((await callMoby(['check', '--json'], folder, {})).stdout).results.at(-1);
  t.is(problem, undefined);
});
