import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createLaunchAgent, createSystemdUnits } from '#src/deploy/watch/service-files.js';
import { createTestFolder } from '../fixtures/archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { createApplication } from './application.js';
import { launchdSchema } from './launchd-schema.js';
import { parsePropertyList } from './property-list.js';

const hostile = `a "b" <c> & $d %e \\f`;
const service = {
  name: 'initrd-img-0123456789abcdef',
  argv: ['/bin/true', 'reapply', '-s', `name=${hostile}`],
  image: '/Applications/A & B.app/initrd.img',
  folder: '/tmp',
  environment: { PATH: '/usr/bin:/bin', NOTE: hostile },
  log: '/tmp/log',
};

test('the launchd agent is a property list by its DTD, with keys of launchd.plist(5)', (t) => {
  const { name, text } = createLaunchAgent(service);
  const job = launchdSchema.parse(parsePropertyList(text));
  t.is(`${job.Label}.plist`, name);
  t.deepEqual(job.ProgramArguments, service.argv);
  t.deepEqual(job.EnvironmentVariables, service.environment);
  t.deepEqual(job.WatchPaths, [service.image, '/Applications/A & B.app']);
  t.deepEqual([job.RunAtLoad, job.ThrottleInterval], [true, 30]);
});

const breakages: readonly (readonly [string, string, string])[] = [
  ['an unescaped ampersand', 'A &amp; B', 'A & B'],
  ['a key without a value', '<true/>', ''],
  ['a value without a key', '<key>RunAtLoad</key>', ''],
  ['an unclosed element', '</array>', ''],
  ['a number in a string', '<integer>30</integer>', '<string>30</string>'],
  ['an integer that is no number', '<integer>30</integer>', '<integer>thirty</integer>'],
  ['a misspelt key', 'WatchPaths', 'WatchPath'],
  ['no label', 'Label', 'Labels'],
  ['a relative path', '<string>/tmp/log', '<string>tmp/log'],
  ['a program without a path', '<string>/bin/true', '<string>true'],
  ['a key twice', 'StandardErrorPath', 'StandardOutPath'],
  ['data after the end', '</plist>', '</plist><plist/>'],
];
for (const [title, from, to] of breakages)
  test(`the schema of launchd's agent refuses ${title}`, (t) => {
    const { text } = createLaunchAgent(service);
    t.true(text.includes(from));
    t.throws(() => launchdSchema.parse(parsePropertyList(text.replace(from, to))));
  });

/** Elsewhere these tests do not exist: a skipped test would ask for a program that only a Mac has. */
const isMac = process.platform === 'darwin';
const dump = 'import json, plistlib, sys\nprint(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))';
const readers: readonly (readonly [string, readonly string[]])[] = [
  ['python3', ['-c', dump]],
  ...(isMac ? [['plutil', ['-convert', 'json', '-o', '-']] as const] : []),
];
for (const [program, argv] of readers)
  declareTest(findMissingProgram(program), `${program} reads the same in launchd's agent`, async (t) => {
    const folder = await createTestFolder(t);
    const { name, text } = createLaunchAgent(service);
    await writeFile(join(folder, name), text);
    const read = execFileSync(program, [...argv, join(folder, name)], { encoding: 'utf8' });
    t.deepEqual(JSON.parse(read), parsePropertyList(text));
  });

if (isMac)
  test("plutil finds nothing wrong with launchd's agent", async (t) => {
    const folder = await createTestFolder(t);
    const { name, text } = createLaunchAgent(service);
    await writeFile(join(folder, name), text);
    t.regex(execFileSync('plutil', ['-lint', join(folder, name)], { encoding: 'utf8' }), /: OK$/m);
  });

declareTest(
  findMissingProgram('systemd-analyze'),
  'systemd finds nothing wrong with its units',
  async (t) => {
    const folder = await createTestFolder(t);
    const units = createSystemdUnits(service);
    for (const { name, text } of units) await writeFile(join(folder, name), text);
    const paths = units.map(({ name }) => join(folder, name));
    // A warning is no failure of the program, but it is one here.
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...paths], {
      encoding: 'utf8',
    });
    t.deepEqual([status, stdout, stderr], [0, '', '']);
  },
);

for (const kind of ['launchd', 'systemd'] as const)
  test(`watch --install writes files for ${kind} that run reapply, --uninstall removes them`, async (t) => {
    const application = await createApplication(await createTestFolder(t));
    const place = ['--service', kind, '--into', 'services'];
    const options = ['-p', 'motd', '-s', 'name=moon', '--no-verify', '--settle', '3'];
    const { code, stderr } = await application.moby('watch', '--install', ...options, ...place, '--json');
    t.is(code, 0, stderr);
    const names = await readdir(join(application.folder, 'services'));
    t.is(names.length, kind === 'launchd' ? 1 : 2);
    const texts = await Promise.all(
      names.map((name) => readFile(join(application.folder, 'services', name), 'utf8')),
    );
    for (const word of ['reapply', 'motd', 'name=moon', '--no-verify', application.image])
      t.true(texts.join('').includes(word), word);
    t.notRegex(texts.join(''), /--install|--into|--service/);
    t.is((await application.moby('watch', '--uninstall', ...place, '--json')).code, 0);
    t.deepEqual(await readdir(join(application.folder, 'services')), []);
  });

test('the command of a service has only options that reapply knows', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const known: readonly string[] =
    (await application.moby('reapply', '--help')).stdout.match(/--[a-z-]+/g) ?? [];
  const all = ['--no-cache', '--mode', 'auto', '--single-member', '--max-size', '1G', '--engine', 'stream'];
  for (const options of [[], all]) {
    const place = ['--service', 'systemd', '--into', 'units'];
    const { code, stderr } = await application.moby('watch', '--install', '-p', 'motd', ...options, ...place);
    t.is(code, 0, stderr);
    const names = await readdir(join(application.folder, 'units'));
    const service = names.find((name) => name.endsWith('.service')) ?? '';
    const text = await readFile(join(application.folder, 'units', service), 'utf8');
    const used: readonly string[] = /^ExecStart=(.*)$/m.exec(text)?.[1]?.match(/"--[a-z-]+"/g) ?? [];
    t.true(used.length > 1);
    for (const option of used) t.true(known.includes(option.slice(1, -1)), option);
    for (const option of options.filter((each) => each.startsWith('--')))
      t.true(used.includes(`"${option}"`));
  }
});
