// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test, { type ExecutionContext } from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import type { Secret } from '#src/model/patch/secret.js';
import { createPlan } from '#src/patch/plan.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { createPatch } from './support/patch-folder.js';

const image = '0'.repeat(64);
const value = 'correct horse "battery"';
const shown = 'secret hmac-sha256:0123456789ab';

const parameters = `parameters:
  user: {description: a name, default: u}
  api-token: {description: a token, secret: true}
`;

async function explain(t: ExecutionContext, steps: string, more = ''): Promise<string[]> {
  const error = await t.throwsAsync<MobyPatchError>(() =>
    createPatch(t, `${parameters}${more}steps:\n${steps}`),
  );
  return error.message.split('\n').map((line) => line.replace(/^.*?patch.yaml:/, ''));
}

async function plan(t: ExecutionContext, steps: string, files = {}, given = value) {
  const patch = await createPatch(t, `${parameters}steps:\n${steps}`, files);
  const secret: Secret = { patch: patch.id, name: 'api-token', value: given, shown };
  return {
    patch,
    secret,
    plan: await createPlan({ patches: [patch], settings: {}, image, stamp: 7, secrets: [secret] }),
  };
}

test('a secret stands only where it is neither shown nor stored unasked', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['  - file: {path: "a/${api-token}", content: x}', /where it would be shown or stored/],
    ['  - symlink: {path: a, target: "${api-token}"}', /where it would be shown or stored/],
    ['  - run: {argv: [login, "${api-token}"]}', /where it would be shown or stored/],
    ['  - file: {path: a, content: "${api-token}"}', /wanted "stores-secret: true" beside it/],
    ['  - replace: {path: a, text: x, with: "${api-token}"}', /wanted "stores-secret: true" beside it/],
    [
      '  - fstab: {source: a, target: /b, type: cifs, options: "password=${api-token}"}',
      /stores-secret: true/,
    ],
    ['  - run: login ${api-token}', /wanted "\$api_token", and secrets: \[api-token\] in the step/],
    ['  - run: login "$api_token"', /found \$api_token, but the step does not get this secret/],
    ['  - run: login "$${api_token}"', /found \$api_token, but the step does not get this secret/],
    [
      '  - run: {script: x, secrets: [user]}',
      /found user, wanted a parameter with secret: true: the script gets/,
    ],
    ['  - run: {script: x, secrets: [api]}', /found "api", wanted a parameter with secret: true$/],
    ['  - remove: a\nexpects:\n  - console: "${api-token}"', /found the secret api-token in an expectation/],
  ];
  for (const [steps, wanted] of cases) {
    const lines = await explain(t, steps);
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0] ?? '', wanted);
  }
  const [line] = await explain(t, '  - remove: a', '  other: {description: d, secret: true, default: abc}\n');
  t.regex(line ?? '', /expected no "default" for a secret|wanted no "default" for a secret/);
  const template = '  - file: {path: a, from: f, template: true}';
  const error = await t.throwsAsync<MobyPatchError>(plan(t, template, { f: 'x ${api-token}' }));
  t.regex(error.message, /found the secret api-token in the template f, wanted "stores-secret: true"/);
});

test('a secret reaches the script that lists it, by standard input alone', async (t) => {
  const steps = '  - run: {script: "login", secrets: [api-token]}\n  - run: other';
  const { plan: made } = await plan(t, steps, {}, 'line one\nline two ');
  const at = createMemoryWorkspace({}, () => ({ exitCode: 0, output: '' }));
  for (const step of made.steps) await step.apply(at);
  const [first, second] = at.commands;
  t.is(first?.options.input, 'line one\nline two \n');
  t.deepEqual(first?.argv.slice(3), [
    'moby-patch',
    '1',
    'api_token',
    '2',
    '/bin/sh',
    '-ec',
    'login',
    'moby-patch',
  ]);
  for (const command of at.commands)
    t.notRegex(JSON.stringify([command.argv, command.options.environment]), /line one/);
  t.is(second?.options.input, undefined);
  t.deepEqual(
    made.steps.map(({ secrets }) => secrets),
    [['api-token'], []],
  );
});

test('ids tell nothing of the value of a secret, and reports show its digest', async (t) => {
  const steps = [
    '  - run: {script: x, environment: {T: "${api-token}"}}',
    '  - file: {path: a, content: "t=${api-token}", stores-secret: true}',
    '  - file: {path: b, from: f, template: true, stores-secret: true}',
    '  - fstab: {source: a, target: /b, type: cifs, options: "password=${api-token}", stores-secret: true}',
  ].join('\n');
  const one = await plan(t, steps, { f: '${api-token}' });
  const other = await plan(t, steps, { f: '${api-token}' }, 'another value');
  t.is(one.plan.id, other.plan.id);
  t.is(one.plan.patches[0]?.sha256, other.plan.patches[0]?.sha256);
  t.deepEqual(one.plan.patches[0]?.parameters, { user: 'u', 'api-token': shown });
  t.notRegex(JSON.stringify(one.plan.steps.map(({ summary, id }) => [summary, id])), /correct horse/);
  t.deepEqual(
    one.plan.steps.map(({ stores }) => stores.map(({ paths }) => paths)),
    [[], [['a']], [['b']], [['etc/fstab']]],
  );
  t.deepEqual(one.plan.secrets, [one.secret]);
  const at = createMemoryWorkspace({}, () => ({ exitCode: 0, output: '' }));
  for (const step of one.plan.steps) await step.apply(at);
  t.is(at.commands[0]?.options.environment?.T, undefined);
  t.is(at.commands[0]?.options.input, `${value}\n`);
  t.is(await at.text('a'), `t=${value}`);
  t.is(await at.text('b'), value);
});

test('a secret without a value, or among the settings, is refused', async (t) => {
  const { patch } = await plan(t, '  - remove: a');
  const missing = await t.throwsAsync<MobyPatchError>(
    createPlan({ patches: [patch], settings: {}, image, stamp: 7 }),
  );
  t.like(missing, { kind: 'invalid', code: 'secret-missing' });
  t.regex(missing.hint ?? '', /MOBY_PATCH_SECRET_API_TOKEN.*--secret api-token=file:PATH/);
  for (const name of ['api-token', `${patch.id}.api-token`]) {
    const error = await t.throwsAsync<MobyPatchError>(
      createPlan({ patches: [patch], settings: { [name]: value }, image, stamp: 7 }),
    );
    t.like(error, { kind: 'invalid', code: 'secret-exposed' });
    t.notRegex(error.message, /correct/);
  }
});

test('the hash of a password is a secret that a plan needs no value of', async (t) => {
  const steps = '  - user: {name: root, password: "${api-token}", stores-secret: true}';
  const hash = '$6$saltsalt$0123456789abcdef';
  const { patch, plan: made } = await plan(t, steps, {}, hash);
  const at = createMemoryWorkspace({
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    'etc/shadow': 'root:*:1\n',
  });
  for (const step of made.steps) await step.apply(at);
  t.is(await at.text('etc/shadow'), `root:${hash}:1\n`);
  const open = {
    patch: patch.id,
    name: 'api-token',
    value: `$missing$${'0'.repeat(32)}`,
    shown,
    isMissing: true,
  };
  t.is(
    (await createPlan({ patches: [patch], settings: {}, image, stamp: 7, secrets: [open] })).steps.length,
    1,
  );
  const wrong = await t.throwsAsync<MobyPatchError>(() => plan(t, steps, {}, 'plain text'));
  t.regex(wrong.message, /password: found .*, wanted "locked", or a hash/);
});
