import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Report } from '#src/model/result/report.js';
import { describeStreamed } from '#src/report/streamed.js';
import { callMoby } from '../fixtures/command-context.js';
import { createProjectFolder, image, motd, writePatch } from './project.js';

const call = (folder: string, ...args: string[]) => callMoby(args, folder, {});

test('the report of a build to standard output names it -, and names no temporary file', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  const reports = ['--report', 'report.json', '--report', 'report.md'];
  const argv = ['build', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '-o', '-', ...reports];
  const { code, stderr } = await call(folder, ...argv);
  t.is(code, 0);
  t.regex(stderr, /^done in .*: initrd.img -> -$/m);
  const json = await readFile(join(folder, 'report.json'), 'utf8');
  const report = JSON.parse(json) as Report;
  t.is(report.output, '-');
  t.is(report.manifest, undefined);
  const markdown = await readFile(join(folder, 'report.md'), 'utf8');
  for (const text of [stderr, json, markdown]) t.notRegex(text, /output\.img|manifest/);
});

test('a build refuses to write both the image and the report to standard output', async (t) => {
  const folder = await createProjectFolder(t);
  const { code, stderr } = await call(
    folder,
    'build',
    '-i',
    'initrd.img',
    '-o',
    '-',
    '--json',
    '--no-verify',
  );
  t.is(code, 2);
  t.regex(stderr, /--json and -o - .*\[output-twice\]/);
});

test('a refused boot of a build to standard output suggests a build to a file', (t) => {
  const passed = '/tmp/moby-patch-1-x/output.img';
  const console = `${passed}.refused.console.log`;
  const boot = {
    verdict: 'refused',
    reached: 'nothing',
    accelerator: 'tcg',
    seconds: 1,
    waited: 0,
    attempts: 1,
    stages: [],
    causes: [],
    expectations: [],
    warnings: [],
    console,
    tail: ['the last line'],
  } as const;
  const error = {
    kind: 'boot',
    code: 'boot-refused',
    message: `${passed} did not boot`,
    path: console,
    hint: `read the console: ${console}`,
  } as const;
  const report = {
    version: 1,
    failed: true,
    stage: 'publish',
    input: 'initrd.img',
    steps: [],
    warnings: [],
    stages: {},
    durationMs: 1,
    boot,
    error,
  } as const;
  const shown = describeStreamed(report, passed);
  t.notRegex(JSON.stringify(shown), /output\.img/);
  t.like(shown.error, { path: '-', message: '- did not boot' });
  t.regex(shown.error?.hint ?? '', /-o FILE/);
  t.deepEqual(shown.boot?.tail, ['the last line']);
  t.is(shown.output, undefined);
});

test('without patches a build is the input, bit for bit', async (t) => {
  const folder = await createProjectFolder(t);
  const { code, stdout } = await call(folder, 'build', '-i', 'initrd.img', '-o', 'out.img');
  t.is(code, 0);
  t.regex(stdout, /the same, bit for bit/);
  t.true((await readFile(join(folder, 'out.img'))).equals(image));
});

test('a patch of the project is applied; the same build again gives the same bytes', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  const args = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '-s', 'name=you', '--no-verify', '--json'];
  const first = await call(folder, ...args, '-o', 'one.img');
  t.is(first.code, 0, first.stderr);
  const report: Report = JSON.parse(first.stdout);
  t.like(report, { failed: false, diff: { added: 1, changed: 0, removed: 0 }, engine: { name: 'stream' } });
  await call(folder, ...args, '-o', 'two.img');
  t.true((await readFile(join(folder, 'one.img'))).equals(await readFile(join(folder, 'two.img'))));
  t.is((await call(folder, 'cat', 'one.img', 'etc/motd')).stdout, 'hello you\n');
  t.is(
    (await call(folder, 'diff', 'initrd.img', 'one.img')).stdout,
    '+ etc/motd\n1 added, 0 changed, 0 removed\n',
  );
  const manifest = JSON.parse(await readFile(join(folder, 'one.img.manifest.json'), 'utf8'));
  t.like(manifest, {
    version: 1,
    verdict: 'not booted',
    engine: 'stream',
    output: { name: 'one.img', sha256: report.after?.sha256 },
  });
  t.is(manifest.patches[0].parameters.name, 'you');
});

test('the engines give the same bytes for the same file-only patch', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  for (const engine of ['stream', 'docker', 'local']) {
    const { code, stderr } = await call(
      folder,
      'build',
      '-q',
      '-i',
      'initrd.img',
      '-p',
      'motd',
      '--no-verify',
      '--engine',
      engine,
      '-o',
      `${engine}.img`,
    );
    t.is(code, 0, stderr);
  }
  const [stream, docker, local] = await Promise.all(
    ['stream', 'docker', 'local'].map((engine) => readFile(join(folder, `${engine}.img`))),
  );
  t.true(stream?.equals(docker ?? Buffer.alloc(0)));
  t.true(stream?.equals(local ?? Buffer.alloc(0)));
});

test('a configuration file has every option; its mistakes are reported with line and column', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  await writeFile(
    join(folder, 'moby-patch.yaml'),
    'image: ./initrd.img\npatches: [motd]\nsettings: {name: config}\noutput: built.img\n',
  );
  t.is((await call(folder, 'build', '-q', '--no-verify')).code, 0);
  t.is((await call(folder, 'cat', 'built.img', 'etc/motd')).stdout, 'hello config\n');
  await writeFile(join(folder, 'moby-patch.yaml'), 'imgae: x\nlevel: high\n');
  const { code, stderr } = await call(folder, 'build');
  t.is(code, 2);
  t.regex(stderr, /moby-patch\.yaml:1:1: unknown key "imgae" \(did you mean "image"\?\)/);
  t.regex(stderr, /moby-patch\.yaml:2:8: level: found "high", wanted a/);
});

test('an output that is the input behind a link is refused, and so is a configuration in another encoding', async (t) => {
  const folder = await createProjectFolder(t);
  await symlink('initrd.img', join(folder, 'link.img'));
  const linked = await call(folder, 'build', '-i', 'link.img', '-o', 'initrd.img', '--no-verify');
  t.regex(linked.stderr, /\[output-is-input\]/);
  await writeFile(join(folder, 'moby-patch.yaml'), Buffer.from('settings: {name: caf\u00e9}\n', 'latin1'));
  const { code, stderr } = await call(folder, 'build', '-c', 'moby-patch.yaml');
  t.is(code, 2);
  t.regex(stderr, /not UTF-8, wanted a text \[config-unreadable\]/);
});

test('plan shows what would be done and writes nothing', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  const before = await readdir(folder);
  const { code, stdout } = await call(folder, 'plan', '-i', 'initrd.img', '-p', 'motd', '--no-verify');
  t.is(code, 0);
  t.regex(stdout, /engine {2}stream: no step needs commands/);
  t.deepEqual(await readdir(folder), before);
});

const refused: readonly [string, readonly string[], number, RegExp][] = [
  ['no image', ['build'], 2, /image-missing/],
  ['an unknown image', ['build', '-i', 'refrence'], 2, /did you mean "reference"/],
  [
    'an image that is none',
    ['build', '-i', 'patches/motd/patch.yaml', '--no-verify'],
    2,
    /at byte 0.*image-invalid/,
  ],
  ['an unknown patch', ['build', '-i', 'initrd.img', '-p', 'mott', '--no-verify'], 2, /did you mean "motd"/],
  [
    'an unknown parameter',
    ['build', '-i', 'initrd.img', '-p', 'motd', '-s', 'nmae=x', '--no-verify'],
    2,
    /did you mean "name"/,
  ],
  [
    'a setting without a value',
    ['build', '-i', 'initrd.img', '-p', 'motd', '-s', 'name', '--no-verify'],
    2,
    /wanted NAME=VALUE/,
  ],
  ['a change without a kernel', ['build', '-i', 'initrd.img', '-p', 'motd'], 2, /kernel-missing/],
  ['the input as output', ['build', '-i', 'initrd.img', '-o', 'initrd.img'], 2, /output-is-input/],
  [
    'an output folder that is not there',
    ['build', '-i', 'initrd.img', '-o', 'no/out.img'],
    2,
    /output-unwritable/,
  ],
  [
    'a compression nobody has',
    ['build', '-i', 'initrd.img', '--compression', 'zip', '--no-verify'],
    2,
    /compression-unknown/,
  ],
  ['a report of an unknown form', ['build', '-i', 'initrd.img', '--report', 'x.doc'], 2, /report-unknown/],
  ['a configuration that is not there', ['build', '-c', 'none.yaml'], 2, /config-unreadable/],
];

for (const [what, args, wanted, message] of refused) {
  test(`refuses ${what}: one error, no output, nothing left`, async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const before = await readdir(folder);
    const { code, stderr } = await call(folder, ...args, ...(args[0] === 'build' ? ['-q'] : []));
    t.is(code, wanted, stderr);
    t.regex(stderr, message);
    t.notRegex(stderr, /\bat .*\.js:\d+/, 'no stack trace');
    t.deepEqual(await readdir(folder), before);
  });
}

test('a failed build leaves the old output as it was', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(
    folder,
    motd.replace('file:', 'replace:').replace(/\{path.*/, '{path: etc/passwd, text: nobody, with: x}'),
  );
  await writeFile(join(folder, 'out.img'), 'precious');
  const { code } = await call(
    folder,
    'build',
    '-q',
    '-i',
    'initrd.img',
    '-p',
    'motd',
    '--no-verify',
    '-o',
    'out.img',
  );
  t.not(code, 0);
  t.is(await readFile(join(folder, 'out.img'), 'utf8'), 'precious');
  t.deepEqual((await readdir(folder)).sort(), ['initrd.img', 'out.img', 'patches']);
});

test('a configuration that is not named does not apply to an image of the command line', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  await writeFile(
    join(folder, 'moby-patch.yaml'),
    'image: other.img\npatches: [motd]\nsettings: {name: x}\n',
  );
  t.is((await call(folder, 'build', '-q', '-i', 'initrd.img', '-o', 'out.img')).code, 0);
  t.true((await readFile(join(folder, 'out.img'))).equals(image));
  const named = [
    'build',
    '-q',
    '-i',
    'initrd.img',
    '-c',
    'moby-patch.yaml',
    '--no-verify',
    '-o',
    'named.img',
  ];
  t.is((await call(folder, ...named)).code, 0);
  t.is((await call(folder, 'cat', 'named.img', 'etc/motd')).stdout, 'hello x\n');
});

test('settings of the configuration are for its own patches', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  await writeFile(
    join(folder, 'moby-patch.yaml'),
    'image: ./initrd.img\nsettings: {server: 10.0.2.2, name: config}\n',
  );
  t.is((await call(folder, 'build', '-q', '--no-verify', '-p', 'motd', '-o', 'out.img')).code, 0);
  t.is((await call(folder, 'cat', 'out.img', 'etc/motd')).stdout, 'hello config\n');
});
