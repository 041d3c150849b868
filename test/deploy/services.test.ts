import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createLaunchAgent, createSystemdUnits } from '#src/deploy/service-files.js';
import { createTestFolder } from '../fixtures/archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { createApplication } from './application.js';

const hostile = `a "b" <c> & $d %e \\f`;
const service = {
  name: 'initrd-img-0123456789abcdef',
  argv: ['/bin/true', 'reapply', '-s', `name=${hostile}`],
  image: '/Applications/A & B.app/initrd.img',
  folder: '/tmp',
  environment: { PATH: '/usr/bin:/bin', NOTE: hostile },
  log: '/tmp/log',
};

/** launchd.plist(5): the keys that are used, and the type of each. */
const schema: Readonly<Record<string, string>> = {
  Label: 'str',
  ProgramArguments: 'list',
  WatchPaths: 'list',
  WorkingDirectory: 'str',
  EnvironmentVariables: 'dict',
  RunAtLoad: 'bool',
  ThrottleInterval: 'int',
  StandardOutPath: 'str',
  StandardErrorPath: 'str',
};

const dump = `import json, plistlib, sys
value = plistlib.load(open(sys.argv[1], 'rb'))
print(json.dumps({'types': {key: type(each).__name__ for key, each in value.items()}, 'value': value}))`;

declareTest(
  findMissingProgram('python3'),
  'the launchd agent is a property list of the right keys',
  async (t) => {
    const folder = await createTestFolder(t);
    const { name, text } = createLaunchAgent(service);
    await writeFile(join(folder, name), text);
    const { types, value } = JSON.parse(
      execFileSync('python3', ['-c', dump, join(folder, name)], { encoding: 'utf8' }),
    );
    t.deepEqual(types, schema);
    t.is(`${value.Label}.plist`, name);
    t.deepEqual(value.ProgramArguments, service.argv);
    t.deepEqual(value.EnvironmentVariables, service.environment);
    t.deepEqual(value.WatchPaths, [service.image, '/Applications/A & B.app']);
  },
);

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
    const { code, stderr } = await application.moby('watch', '--install', ...options, ...place);
    t.is(code, 0, stderr);
    const names = await readdir(join(application.folder, 'services'));
    t.is(names.length, kind === 'launchd' ? 1 : 2);
    const texts = await Promise.all(
      names.map((name) => readFile(join(application.folder, 'services', name), 'utf8')),
    );
    for (const word of ['reapply', 'motd', 'name=moon', '--no-verify', application.image])
      t.true(texts.join('').includes(word), word);
    t.notRegex(texts.join(''), /--install|--into|--service/);
    t.is((await application.moby('watch', '--uninstall', ...place)).code, 0);
    t.deepEqual(await readdir(join(application.folder, 'services')), []);
  });
