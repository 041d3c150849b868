// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import type { ImageFacts } from '#src/model/patch/facts.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { addUsed } from '#src/patch/language/used-patches.js';
import { explainUnmet, whenSchema } from '#src/patch/language/when.js';
import { createPlan } from '#src/patch/plan.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { createFolder, createPatch } from './support/patch-folder.js';

const image = '0'.repeat(64);

interface Given {
  readonly settings?: Record<string, string>;
  readonly facts?: ImageFacts;
}

async function apply(t: ExecutionContext, yaml: string, { settings = {}, facts }: Given = {}) {
  const plan = await createPlan({ patches: [await createPatch(t, yaml)], settings, image, stamp: 7, facts });
  const at = createMemoryWorkspace();
  for (const step of plan.steps) await step.apply(at);
  return { plan, at };
}

/** What the plan of a patch is refused for. */
async function explain(t: ExecutionContext, yaml: string, settings: Record<string, string> = {}) {
  const error = await t.throwsAsync(apply(t, yaml, { settings }));
  return (error?.message ?? '').replace(/\S*patch\.yaml/g, 'patch.yaml');
}

const typed = `parameters:
  port: {default: 22, type: port, description: d}
  level: {default: 3, description: d}
  quiet: {default: true, description: d}
  hosts: {default: [a.b, c.d], description: d}
  share: {type: path, default: /Users/Ada, description: d}
  server: {type: host, required: false, description: d}
  mode: {choices: [fast, safe], default: fast, description: d}
steps:
  - file:
      path: etc/x
      content: "\${port} \${level} \${quiet} \${hosts} [\${join(hosts, \\" \\")}] \${basename(share)} \${lower(basename(share))} \${mode} <\${server}>"
`;

test('defaults are of their own type, and functions change values', async (t) => {
  const { at } = await apply(t, typed);
  t.is(await at.text('etc/x'), '22 3 true a.b,c.d [a.b c.d] Ada ada fast <>');
  const settings = { port: '8080', quiet: 'false', hosts: 'x, y', server: '10.0.0.1', mode: 'safe' };
  const other = await apply(t, typed, { settings });
  t.is(await other.at.text('etc/x'), '8080 3 false x,y [x y] Ada ada safe <10.0.0.1>');
  t.deepEqual(other.plan.patches[0]?.parameters.hosts, 'x,y');
});

for (const [setting, found] of [
  [{ port: '0' }, 'parameter port: found "0", wanted a port: a whole number from 1 to 65535'],
  [{ port: '65536' }, 'parameter port: found "65536", wanted a port: a whole number from 1 to 65535'],
  [{ level: '3x' }, 'parameter level: found "3x", wanted a number'],
  ...['/a\u0085b', `/${'x'.repeat(256)}`, 'a/b', '/a\nb'].map(
    (share) =>
      [
        { share },
        `parameter share: found ${JSON.stringify(share)}, wanted a path of the running system: a / in front, and no ".." in it`,
      ] as const,
  ),
  ...['-rf', '::1%a b', '../x', 'a\nb', '$(id)'].map(
    (server) =>
      [
        { server },
        `parameter server: found ${JSON.stringify(server)}, wanted a host: a name or an IP address`,
      ] as const,
  ),
  [
    { hosts: 'a,b\nc' },
    'parameter hosts: found "b\\nc", wanted a list: entries of one line with commas between them',
  ],
  [{ server: 'a\0b' }, 'parameter server: found 3 characters, wanted at most 4096 and no NUL'],
  [{ quiet: 'yes' }, 'parameter quiet: found "yes", wanted true or false'],
  [
    { share: 'Users' },
    'parameter share: found "Users", wanted a path of the running system: a / in front, and no ".." in it',
  ],
  [
    { share: '/a/../b' },
    'parameter share: found "/a/../b", wanted a path of the running system: a / in front, and no ".." in it',
  ],
  [{ server: 'a b' }, 'parameter server: found "a b", wanted a host: a name or an IP address'],
  [{ mode: 'saef' }, 'parameter mode: found "saef" (did you mean "safe"?), wanted fast or safe'],
] as const)
  test(`a value of another type is refused: ${JSON.stringify(setting)}`, async (t) => {
    t.is((await explain(t, typed, setting)).replace(/^patch\.yaml:\d+:\d+: /, ''), found);
  });

test('a placeholder alone becomes the list, the number or the truth value that belongs there', async (t) => {
  const yaml = `parameters:
  names: {default: [a, b], description: d}
  count: {default: 1, description: d}
  old: {default: true, description: d}
steps:
  - file: {path: x, content: "1"}
  - hosts: {127.0.0.1: [localhost, "\${names}"], 10.0.0.1: "\${names}"}
  - replace: {path: x, text: "1", with: "2", count: "\${count}"}
  - module: {name: floppy, blacklist: "\${old}"}
`;
  const plan = await createPlan({ patches: [await createPatch(t, yaml)], settings: {}, image, stamp: 7 });
  t.deepEqual(plan.steps[1]?.value, { '127.0.0.1': ['localhost', 'a', 'b'], '10.0.0.1': ['a', 'b'] });
  t.like(plan.steps[2]?.value, { count: 1 });
  t.like(plan.steps[3]?.value, { blacklist: true });
});

test('a script gets a list with an entry a line', async (t) => {
  const yaml = 'parameters:\n  names: {default: [a, b], description: d}\nsteps:\n  - run: echo $names\n';
  const plan = await createPlan({ patches: [await createPatch(t, yaml)], settings: {}, image, stamp: 7 });
  const at = createMemoryWorkspace({ 'bin/sh': '' }, () => ({ exitCode: 0, output: '' }));
  await plan.steps[0]?.apply(at);
  t.is(at.commands[0]?.options.environment?.names, 'a\nb');
});

const facts: ImageFacts = {
  os: { id: 'alpine', version: '3.19.1' },
  packageManagers: ['apk'],
  init: 'openrc',
  architecture: 'x86_64',
  has: (path) => path === 'usr/sbin/sshd',
};

for (const [when, reason] of [
  [{ os: 'alpine', version: '3.19', 'package-manager': ['apt', 'apk'], init: 'openrc' }, undefined],
  [{ os: ['debian', 'ubuntu'] }, 'os: found alpine, wanted debian or ubuntu'],
  [{ version: '>=3.18 <4' }, undefined],
  [{ version: '3.1' }, 'version: found 3.19.1, wanted 3.1'],
  [{ version: '>3.19.1' }, 'version: found 3.19.1, wanted >3.19.1'],
  [{ version: 3 }, undefined],
  [{ 'package-manager': 'apt' }, 'package manager: found apk, wanted apt'],
  [{ init: 'systemd' }, 'init: found openrc, wanted systemd'],
  [{ architecture: 'aarch64' }, 'architecture: found x86_64, wanted aarch64'],
  [{ path: '/usr/sbin/sshd' }, undefined],
  [{ path: ['usr/sbin/sshd', 'etc/motd'] }, 'path: found no etc/motd in the image'],
  [{ parameter: { mode: ['safe', 'slow'] } }, 'parameter mode: found fast, wanted safe or slow'],
  [{ parameter: { quiet: true, names: 'b' } }, undefined],
  [{ not: { path: 'etc/motd' } }, undefined],
  [{ not: { os: 'alpine', init: ['openrc'] } }, 'excluded by os alpine, init openrc'],
] as const)
  test(`a condition on an image with OpenRC: ${JSON.stringify(when)}`, (t) => {
    const values = new Map<string, string | string[]>([
      ['mode', 'fast'],
      ['quiet', 'true'],
      ['names', ['a', 'b']],
    ]);
    t.is(explainUnmet(whenSchema.parse(when), facts, values), reason);
  });

test('what is left out is in the plan with its reason, in its id, and its expectations are not', async (t) => {
  const yaml = (init: string) => `parameters:
  host: {type: host, required: false, description: d}
steps:
  - file: {path: a, content: a}
  - when: {init: ${init}}
    file: {path: b, content: b}
  - when: {not: {parameter: {host: ""}}}
    file: {path: "etc/\${host}.conf", mode: 0o600, content: "\${host}"}
expects:
  - {file: /b, when: {init: ${init}}}
  - file: /a
`;
  const { plan } = await apply(t, yaml('systemd'), { facts });
  t.deepEqual(
    plan.skipped.map(({ summary, reason }) => [summary, reason]),
    [
      ['file b', 'init: found openrc, wanted systemd'],
      ['file etc/.conf', 'excluded by parameter host none'],
    ],
  );
  t.deepEqual(
    plan.steps.map(({ summary }) => summary),
    ['file a'],
  );
  t.like(plan.expects, [{ file: '/a' }]);
  const without = await apply(t, 'steps:\n  - file: {path: a, content: a}\n', { facts });
  t.not(plan.id, without.plan.id);
  t.not(plan.id, (await apply(t, yaml('sysvinit'), { facts })).plan.id);
  const there = await apply(t, yaml('openrc'), { facts });
  t.is(there.plan.expects.length, 2);
  t.is(there.plan.patches[0]?.sha256, (await apply(t, yaml('openrc'))).plan.patches[0]?.sha256);
});

test('a patch whose condition does not hold is left out whole', async (t) => {
  const { plan } = await apply(
    t,
    'when: {os: debian}\nsteps:\n  - file: {path: a, content: a}\nexpects:\n  - file: /a\n',
    {
      facts,
    },
  );
  t.like(plan, { steps: [], expects: [], skipped: [{ summary: 'file a' }] });
});

test('a value that makes a condition wrong is a problem at its place', async (t) => {
  const step = 'steps:\n  - file: {path: a, content: a}\n    when: {version: "${v}"}\n';
  const yaml = `parameters:\n  v: {default: "3.19", description: d}\n${step}`;
  t.regex(
    await explain(t, yaml, { v: 'abc' }),
    /^patch\.yaml:\d+:5: when: version: found "abc", wanted a version such as "3\.19", or ">=3\.18 <4"$/,
  );
});

async function createPatches(t: ExecutionContext, patches: Record<string, string>) {
  const files = Object.fromEntries(
    Object.entries(patches).map(([id, yaml]) => [`${id}/patch.yaml`, `title: ${id}\n${yaml}`]),
  );
  const folder = await createFolder(t, files);
  const load = (id: string) => loadPatch(join(folder, id));
  const show = (text: string) => text.replaceAll(`${folder}/`, '');
  return { load, show };
}

const remove = (path: string) => `steps:\n  - remove: {path: ${path}, missing: ok}\n`;

test('patches that a patch uses come before it, each once', async (t) => {
  const { load } = await createPatches(t, {
    a: `uses: [b, ../c]\n${remove('a')}`,
    b: `uses: [c]\n${remove('b')}`,
    c: remove('c'),
    all: 'uses: [a, b]\n',
  });
  const { patches, problems } = await addUsed([await load('all'), await load('c')], []);
  t.deepEqual(problems, []);
  t.deepEqual(
    patches.map(({ id }) => id),
    ['c', 'b', 'a', 'all'],
  );
});

test('a used patch that is not there, that is wrong or that leads back is a problem of its own line', async (t) => {
  const { load, show } = await createPatches(t, {
    a: `uses: [b, nosuch]\n${remove('a')}`,
    b: `uses: [a, wrong]\n${remove('b')}`,
    wrong: 'steps:\n  - fiel: x\n',
  });
  const { problems } = await addUsed([await load('a')], []);
  t.deepEqual(
    problems.map(({ at, code, text }) => show(`${at.file}:${at.line}:${at.column} ${code} ${text}`)),
    [
      'a/patch.yaml:2:8 uses-wrong found a circle (a uses b uses a), wanted none',
      'wrong/patch.yaml:3:5 step-unknown unknown kind of step "fiel" (did you mean "file"?)',
      'a/patch.yaml:2:11 uses-wrong uses: patch nosuch: found no patch.yaml in nosuch, ' +
        `${process.cwd()}/nosuch`,
    ],
  );
});

test('patches that conflict, and steps that write one path differently, are refused with both places', async (t) => {
  const { load, show } = await createPatches(t, {
    a: 'conflicts: [b]\nsteps:\n  - file: {path: etc/motd, content: a}\n',
    b: 'steps:\n  - symlink: {path: /etc/motd, target: b}\n',
    c: 'steps:\n  - file: {path: etc/motd, content: a}\n  - file: {path: etc/x, content: c}\n  - remove: etc\n  - file: {path: etc/x, content: d}\n',
  });
  const plan = async (...ids: string[]) => {
    const patches = [];
    for (const id of ids) patches.push(await load(id));
    return createPlan({ patches, settings: {}, image, stamp: 7 });
  };
  const explainPlan = async (...ids: string[]) => show((await t.throwsAsync(plan(...ids)))?.message ?? '');
  t.is(
    await explainPlan('a', 'b'),
    'a/patch.yaml:2:13: found the patch b beside a, wanted one of the two: a conflicts with it',
  );
  t.is(
    await explainPlan('c', 'b', 'a'),
    'a/patch.yaml:2:13: found the patch b beside a, wanted one of the two: a conflicts with it',
  );
  t.is((await plan('a', 'c')).steps.length, 5);
  const { load: again, show: name } = await createPatches(t, {
    x: 'steps:\n  - file: {path: etc/motd, content: a}\n',
    y: 'steps:\n  - file: {path: etc/motd, content: b}\n',
  });
  const both = await t.throwsAsync(
    createPlan({ patches: [await again('x'), await again('y')], settings: {}, image, stamp: 7 }),
  );
  t.is(
    name(both?.message ?? ''),
    'y/patch.yaml:3:5: file etc/motd: found that x/patch.yaml:3:5 writes something else to etc/motd, wanted one of the two',
  );
});

test('a value that does not fit is answered with the words of its parameter, and a list with blanks with its commas', async (t) => {
  const certificate = `parameters:
  certificate: {pattern: 'BEGIN[\\s\\S]*', description: 'in PEM: -s certificate="$(cat company.pem)"'}
  names: {type: list, pattern: '[a-z.]+', default: [a], description: d}
steps:
  - file: {path: a, content: "\${certificate}"}
`;
  const hintOf = async (settings: Record<string, string>) => {
    const error = await t.throwsAsync(apply(t, certificate, { settings }), { instanceOf: MobyPatchError });
    return error?.hint;
  };
  t.is(
    await hintOf({ certificate: 'company.pem' }),
    'the patch says of certificate: in PEM: -s certificate="$(cat company.pem)"',
  );
  t.is(
    await hintOf({ certificate: 'BEGIN', names: 'a.b c' }),
    'commas separate the entries of a list: -s names=a.b,c',
  );
});
