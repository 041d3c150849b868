// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { createPlan } from '#src/patch/plan.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { createPatch } from './support/patch-folder.js';

const image = '0'.repeat(64);

test('placeholders are replaced in steps, templates and expectations', async (t) => {
  const patch = await createPatch(
    t,
    [
      'parameters:',
      '  host: {description: a name}',
      "  port: {default: '80', description: a number, pattern: '[0-9]+'}",
      'steps:',
      '  - file: {path: "etc/${host}", content: "${host}:${port} $${HOME}"}',
      '  - file: {path: plain, from: script}',
      '  - file: {path: filled, from: script, template: true}',
      'expects:',
      '  - {no-failed-services: true, except: ["${host}"]}',
      "  - console: '^${host} is up$'",
      '  - {file: "/etc/${host}", content: "${port}"}',
    ].join('\n'),
    { script: 'echo ${host} $${HOME}\n' },
  );
  const plan = await createPlan({ patches: [patch], settings: { host: 'a.b' }, image, stamp: 7 });
  const at = createMemoryWorkspace();
  for (const step of plan.steps) t.deepEqual(await step.apply(at), { changed: true });
  t.is(await at.text('etc/a.b'), 'a.b:80 ${HOME}');
  t.is(await at.text('plain'), 'echo ${host} $${HOME}\n');
  t.is(await at.text('filled'), 'echo a.b ${HOME}\n');
  t.like(plan.expects, [
    { except: ['a.b'] },
    { console: '^a\\.b is up$' },
    { file: '/etc/a.b', content: '80' },
  ]);
  t.deepEqual(plan.patches[0]?.parameters, { host: 'a.b', port: '80' });
});

test('an id changes with everything that decides the result, and with nothing else', async (t) => {
  const yaml = (text: string) => `steps:\n  - remove: a\n  - file: {path: b, from: f}\n  - run: ${text}`;
  const patch = await createPatch(t, yaml('x'), { f: '1' });
  const base = await createPlan({ patches: [patch], settings: {}, image, stamp: 7 });
  const same = await createPlan({
    patches: [await createPatch(t, yaml('x'), { f: '1' })],
    settings: {},
    image,
    stamp: 7,
  });
  t.is(same.id, base.id);
  t.deepEqual(
    same.steps.map((step) => step.id),
    base.steps.map((step) => step.id),
  );
  const others = [
    await createPlan({ patches: [patch], settings: {}, image: '1'.repeat(64), stamp: 7 }),
    await createPlan({ patches: [patch], settings: {}, image, stamp: 8 }),
    await createPlan({
      patches: [await createPatch(t, yaml('x'), { f: '2' })],
      settings: {},
      image,
      stamp: 7,
    }),
    await createPlan({
      patches: [await createPatch(t, yaml('y'), { f: '1' })],
      settings: {},
      image,
      stamp: 7,
    }),
  ];
  t.is(new Set([base, ...others].map(({ id }) => id)).size, 5);
  // A step's id covers what comes before it, and not what comes after.
  t.is(others[3]?.steps[1]?.id, base.steps[1]?.id);
  t.not(others[2]?.steps[1]?.id, base.steps[1]?.id);
  t.is(others[2]?.steps[0]?.id, base.steps[0]?.id);
  t.is(base.steps[2]?.id, base.id);
  t.is((await createPlan({ patches: [], settings: {}, image, stamp: 7 })).steps.length, 0);
});

test('a plan unites the needs and reads of its steps', async (t) => {
  const yaml = 'steps:\n  - run: x\n  - package: {apk: [a]}\n  - file: {path: /etc/x, content: y}';
  const plan = await createPlan({ patches: [await createPatch(t, yaml)], settings: {}, image, stamp: 7 });
  t.deepEqual(plan.needs, ['commands', 'network']);
  t.true(plan.reads.includes('etc/x'));
  const files = await createPlan({
    patches: [await createPatch(t, 'steps: [{remove: a}]')],
    settings: {},
    image,
    stamp: 7,
  });
  t.deepEqual(files.needs, []);
});

test('unknown, missing and invalid settings are refused', async (t) => {
  const yaml = [
    'parameters:',
    '  server: {description: its name}',
    "  port: {default: '80', description: a number, pattern: '[0-9]+'}",
    'steps:',
    '  - file: {path: "${server}", content: "${port}"}',
  ].join('\n');
  const patch = await createPatch(t, yaml);
  const fail = (settings: Record<string, string>) =>
    t.throwsAsync<MobyPatchError>(() => createPlan({ patches: [patch], settings, image, stamp: 7 }));
  const unknown = await fail({ sevrer: 'x', server: 'x' });
  t.like(unknown, { kind: 'invalid', code: 'setting-unknown' });
  t.regex(unknown.message, /did you mean "server"/);
  const wrong = await fail({ port: '80; reboot' });
  t.deepEqual(wrong.message.replaceAll(`${patch.folder}/`, '').split('\n'), [
    `patch.yaml:3:3: parameter server: found no value for it in the patch ${patch.id}, wanted one (its name)`,
    'patch.yaml:4:3: parameter port: found "80; reboot", wanted a value that matches [0-9]+',
  ]);
  // The pattern covers the whole value: a line break does not end it.
  t.regex((await fail({ server: 'x', port: '80\nx' })).message, /parameter port/);
  const late = await fail({ server: '../x' });
  t.regex(late.message, /patch.yaml:6:18: path: found a "\.\." in it, wanted a path in the image/);
  const named = await createPlan({
    patches: [patch],
    settings: { [`${patch.id}.server`]: 'a', server: 'b' },
    image,
    stamp: 7,
  });
  t.is(named.patches[0]?.parameters.server, 'a');
});

test('a template with an unknown parameter is refused', async (t) => {
  const patch = await createPatch(t, 'steps:\n  - file: {path: a, from: f, template: true}', { f: 'x ${y}' });
  await t.throwsAsync(() => createPlan({ patches: [patch], settings: {}, image, stamp: 7 }), {
    message: /found \$\{y\} in the template f/,
  });
});
