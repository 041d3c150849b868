import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { callMoby } from '../fixtures/command-context.js';
import { patchesSchema } from '../report/patches-schema.js';
import { createProjectFolder, motd, writePatch } from './project.js';

/** A project with a patch of `patches/`, one beside it that has mistakes, and one that a gallery patch has the id of. */
async function setUp(t: ExecutionContext) {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  for (const [path, text] of [
    ['broken', 'title: Broken\nsteps:\n  - fiel: {}\n'],
    ['patches/hosts', motd.replace('Say hello', 'My hosts')],
    ['home/.config/moby-patch/patches/mine', motd.replace('Say hello', 'Of the user')],
  ] as const) {
    await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, path, 'patch.yaml'), text);
  }
  const environment = { HOME: join(folder, 'home'), XDG_CONFIG_HOME: join(folder, 'home/.config') };
  const call = (...args: readonly string[]) => callMoby(['patches', ...args], folder, environment);
  return { folder, call };
}

test('patches lists what a build finds by an id: of the folder, the user and the program', async (t) => {
  const { call } = await setUp(t);
  const { code, stdout, stderr } = await call();
  t.is(stderr, '');
  t.is(code, 0);
  const lines = stdout.split('\n').map((line) => line.replace(/ {2,}/, '  '));
  t.true(lines.includes('broken  has mistakes: moby-patch check broken'), stdout);
  t.true(lines.includes('motd  Say hello (patches/motd)'));
  t.true(
    lines.includes('hosts  My hosts (patches/hosts)'),
    'that of the folder is the one that a build takes',
  );
  t.true(lines.includes('mine  Of the user (home/.config/moby-patch/patches/mine)'));
  t.true(lines.includes('nfs  Mount a directory of the host over NFS before Docker starts'));
  t.deepEqual([...lines].sort(), lines.slice(0, -1).concat('').sort());
  const listed = patchesSchema.parse(JSON.parse((await call('--json')).stdout));
  t.like('patches' in listed && listed.patches.find(({ id }) => id === 'broken'), {
    origin: 'project',
    error: { code: 'patch-invalid' },
  });
});

test('patches show explains a patch, and what it would do to an image', async (t) => {
  const { call } = await setUp(t);
  const shown = await call('show', 'motd', '-i', 'initrd.img', '-s', 'name=you');
  t.is(shown.stderr, '');
  t.regex(
    shown.stdout,
    /^patch {6}motd: Say hello\nfolder {5}patches\/motd\nneeds {6}nothing: no command runs in the image\nparameter {2}name \(text, default: world\): whom to greet\nstep {7}file etc\/motd\n\nimage {3}initrd.img \(sha256 [0-9a-f]{16}\)\nstep {4}motd: file etc\/motd\n$/,
  );
  const json = patchesSchema.parse(JSON.parse((await call('show', 'nfs', '--json')).stdout));
  t.like(json, { id: 'nfs', needs: ['commands', 'network'], image: undefined });
  t.true(
    'steps' in json && json.steps.some(({ summary }) => summary === 'mount 192.168.65.1:/Users on /Users'),
  );
  const impossible = await call('show', 'nfs', '-i', 'initrd.img', '--json');
  t.like(patchesSchema.parse(JSON.parse(impossible.stdout)), {
    image: { problems: [{ code: 'package-manager' }] },
  });
  t.is(impossible.code, 1);
});

const mistakes: Readonly<Record<string, readonly [args: readonly string[], code: string, hint: RegExp]>> = {
  'an id that there is not': [['show', 'nsf'], 'patch-unknown', /try: moby-patch patches lists/],
  'a patch as an argument of patches': [['nfs'], 'arguments-wrong', /try: moby-patch patches show nfs/],
  'no id': [['show'], 'arguments-wrong', /try: moby-patch patches show --help/],
  'a patch with mistakes': [['show', 'broken'], 'patch-invalid', /did you mean "file"/],
  'a parameter without a value': [['show', 'ssh', '-i', 'initrd.img'], 'patch-invalid', /-s key=VALUE/],
};

for (const [what, [args, wanted, hint]] of Object.entries(mistakes))
  test(`${what} is one error with what to type`, async (t) => {
    const { call } = await setUp(t);
    const { code, stdout, stderr } = await call(...args);
    t.is(code, 2);
    t.is(stdout, '');
    t.true(stderr.includes(`[${wanted}]`), stderr);
    t.regex(stderr, hint);
    const json = await call(...args, '--json');
    t.is(JSON.parse(json.stdout).error.code, wanted);
  });
