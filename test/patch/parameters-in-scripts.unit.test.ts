// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test, { type ExecutionContext } from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { createPlan } from '#src/patch/plan.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { createPatch } from './support/patch-folder.js';

const image = '0'.repeat(64);

const parameters = `parameters:
  server: {description: a host, default: h}
  log-level: {description: a level, default: info}
`;

async function explain(t: ExecutionContext, yaml: string): Promise<string[]> {
  const error = await t.throwsAsync<MobyPatchError>(() => createPatch(t, yaml));
  t.like(error, { kind: 'invalid', code: 'patch-invalid' });
  return error.message.split('\n').map((line) => line.replace(/^.*?patch.yaml:/, ''));
}

/** The commands that the steps run. */
async function run(t: ExecutionContext, steps: string, settings = {}, files = {}) {
  const patch = await createPatch(t, `${parameters}steps:\n${steps}`, files);
  const plan = await createPlan({ patches: [patch], settings, image, stamp: 7 });
  const at = createMemoryWorkspace({}, () => ({ exitCode: 0, output: '' }));
  for (const step of plan.steps) await step.apply(at);
  return at.commands;
}

test('a script gets parameters as variables, with _ for -, and its text stays as it is', async (t) => {
  const attack = 'x; touch /pwned $(touch /pwned) `touch /pwned` " \' \n';
  const [command] = await run(t, '  - run: echo "$server" "$${HOME:-/}" $$ "$log_level"', { server: attack });
  t.deepEqual(command?.argv, ['/bin/sh', '-ec', 'echo "$server" "${HOME:-/}" $$ "$log_level"', 'moby-patch']);
  t.like(command?.options.environment, { server: attack, log_level: 'info', LC_ALL: 'C' });
  t.is(command?.options.input, undefined);
});

test('a placeholder in a script is refused, in each of its forms', async (t) => {
  const wanted = /^\S+ found \$\{server\} in the text of a script, wanted "\$server": .*"\$\$\{server\}"\)$/;
  const steps = [
    '  - run: echo ${server}',
    '  - run: {script: "echo ${server}"}',
    '  - run: {argv: [sh, -ec, "echo ${server}"]}',
    '  - run: {argv: [env, A=b, bash, -xc, "echo $1", "${server}"]}',
    '  - run: {argv: [perl, -e, "print q(${server})"]}',
  ];
  for (const step of steps) {
    const lines = await explain(t, `${parameters}steps:\n${step}`);
    t.is(lines.length, 1, step);
    t.regex(lines[0] ?? '', wanted, step);
  }
  const [line] = await explain(t, `${parameters}steps:\n  - run: echo \${log-level}`);
  t.regex(line ?? '', /^6:10: found \$\{log-level\} in the text of a script, wanted "\$log_level"/);
});

test('variables of a step and arguments without a shell are filled in', async (t) => {
  const steps = [
    '  - run: {script: "x", environment: {HOST: "${server}:1", server: mine}}',
    '  - run: {argv: [ip, address, add, "${server}"]}',
  ];
  const [script, list] = await run(t, steps.join('\n'), { server: 'a b;c' });
  t.like(script?.options.environment, { HOST: 'a b;c:1', server: 'mine' });
  t.deepEqual(list?.argv, ['ip', 'address', 'add', 'a b;c']);
});

test('a script of the patch folder is run as it is', async (t) => {
  const text = 'echo "${server:-none}" $${x}\n';
  const [command] = await run(t, '  - run: {from: s.sh}', {}, { 's.sh': text });
  t.is(command?.argv[2], text);
  t.is(command?.options.environment?.server, 'h');
  const wrong = run(t, '  - run: {from: s.sh}', {}, { 's.sh': Buffer.from([0xff]) });
  t.like(await t.throwsAsync<MobyPatchError>(wrong), { code: 'script-invalid' });
});

test('names that a shell or a loader obeys are refused, and those that become one variable', async (t) => {
  const names = ['PATH', 'HOME', 'IFS', 'LD_PRELOAD', 'LD-PRELOAD', 'BASH_ENV', 'ENV', 'PS4', 'LC_ALL', '_'];
  for (const name of [...names, 'SOURCE_DATE_EPOCH', 'PYTHONPATH', 'PERL5OPT', '_moby_patch_left']) {
    const lines = await explain(t, `parameters:\n  ${name}: {description: d}\nsteps:\n  - remove: a`);
    t.deepEqual(lines.length, 1, name);
    t.regex(lines[0] ?? '', /^3:3: found a parameter called .*, wanted another name/, name);
  }
  const yaml = 'parameters:\n  a-b: {description: d}\n  a_b: {description: d}\nsteps:\n  - remove: a';
  const lines = await explain(t, yaml);
  t.regex(lines[0] ?? '', /^3:3: found the parameters a-b and a_b, wanted names that differ/);
  await t.notThrowsAsync(createPatch(t, 'parameters:\n  path: {description: d}\nsteps:\n  - remove: a'));
});

test('a value that would end a word of a script in the image is refused, unless a pattern admits it', async (t) => {
  const script = '#!/sbin/openrc-run\nmount "${server}"\n';
  const plan = async (pattern: string, step: string, server: string) =>
    createPlan({
      patches: [
        await createPatch(t, `parameters:\n  server: {description: d${pattern}}\nsteps:\n  - file: ${step}`, {
          f: script,
        }),
      ],
      settings: { server },
      image,
      stamp: 7,
    });
  const steps = [
    `{path: etc/init.d/x, content: ${JSON.stringify(script)}}`,
    '{path: etc/init.d/x, from: f, template: true}',
  ];
  for (const step of steps) {
    await t.notThrowsAsync(plan('', step, 'host name'));
    for (const value of ['x"; touch /pwned #', 'x$(reboot)', 'x\nreboot', 'x`y`', "x'y"]) {
      const error = await t.throwsAsync<MobyPatchError>(plan('', step, value), undefined, value);
      t.regex(error.message, /parameter server: found ".*", which a script would run as a part of itself/);
      await t.notThrowsAsync(plan(', pattern: "[^]*"', step, value));
    }
  }
  await t.notThrowsAsync(plan('', '{path: etc/motd, content: "${server}"}', 'it\'s "me"'));
});

test('a run is another step when a parameter of its patch is another one', async (t) => {
  const patch = await createPatch(t, `${parameters}steps:\n  - run: x\n  - remove: a`);
  const [one, other] = await Promise.all(
    ['a', 'b'].map((server) => createPlan({ patches: [patch], settings: { server }, image, stamp: 7 })),
  );
  t.not(one?.steps[0]?.id, other?.steps[0]?.id);
});

test('a hook in /init gets values with dollar signs as they are, and the script stays whole', async (t) => {
  const yaml = `${parameters}steps:\n  - hook: {name: hello, stage: early, run: 'echo "$server"'}\n`;
  for (const server of ['cost $', '$&', '$$', "it's $`", '$1']) {
    const plan = await createPlan({
      patches: [await createPatch(t, yaml)],
      settings: { server },
      image,
      stamp: 7,
    });
    const init = { type: 'file', mode: 0o755, content: Buffer.from('#!/bin/sh\nexec /sbin/init\n') } as const;
    const at = createMemoryWorkspace({ init, 'bin/sh': '' });
    for (const step of plan.steps) await step.apply(at);
    const [first, second, ...rest] = (await at.text('init')).split('\n');
    t.deepEqual([first, ...rest], ['#!/bin/sh', 'exec /sbin/init', '']);
    const quoted = server.replaceAll("'", () => "'\\''");
    t.true(second?.includes(`server='${quoted}'`), second);
  }
});
