// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createErrorReport } from '#src/model/error/error.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { parsePatch } from '#src/patch/language/parse-patch.js';
import { showExample } from '#src/patch/language/step-examples.js';
import { createPlan } from '#src/patch/plan.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { renderError } from '#src/report/error.js';
import { parseSettings } from '#src/setup/flags.js';
import { createReadingSession } from '#src/setup/reading-session.js';
import { check } from '#src/tasks/check/check.js';
import { formatText } from '#src/tasks/check/formats.js';
import { createMemoryWorkspace, type Tree } from '../fixtures/memory-workspace.js';
import { createFolder } from './support/patch-folder.js';

// What people who know other tools write in their first hour, and the whole answer to it.

const head = 'title: Test\n';

async function checkFolder(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await createFolder(t, files);
  const environment = { HOME: join(folder, 'home') };
  const results = await check({ named: [] }, createReadingSession({ folder, environment }));
  const findings = results.flatMap((result) => result.findings);
  return formatText(findings).join('\n').replaceAll(`${folder}/`, '');
}

for (const [what, yaml, answer] of [
  [
    'keys that are not indented below their step',
    'steps:\n  - file:\n    path: etc/motd\n    content: hi\n',
    `patch.yaml:3:5: found "path", "content" beside "file", wanted below it: indent by two more spaces [step-shape]
  try: write each step as "- KIND: VALUE", with all that belongs to it below KIND`,
  ],
  [
    'a list in the place of a map',
    'steps:\n  - package: [nano]\n',
    `patch.yaml:3:14: package: found a list, wanted a map such as "- package: {apk: [nfs-utils], apt: [nfs-common]}" [type-wrong]
  try: a list has "- " before each entry, or [ ] around them; a map has NAME: VALUE lines, or { } around them`,
  ],
  [
    'no steps',
    'steps: []\n',
    `patch.yaml:2:8: steps: found an empty list, wanted at least one step such as "- file: {path: etc/motd, content: hello}" [value-wrong]
  try: write a value that the message allows`,
  ],
  [
    'the key of another tool',
    'steps:\n  - file: {src: motd, path: etc/motd}\n',
    `patch.yaml:3:12: unknown key "src" (did you mean "from"?), wanted path, from, content, mode, uid, gid, owner, template, was or stores-secret [key-unknown]
  try: use one of the keys that the message lists`,
  ],
  [
    'another word for a step',
    'steps:\n  - cmd: ls\n',
    `patch.yaml:3:5: unknown kind of step "cmd" (did you mean "run"?) [step-unknown]
  try: docs/steps.md has all kinds`,
  ],
  [
    'another word inside a run',
    'steps:\n  - run: {cmd: ls}\n',
    `patch.yaml:3:11: unknown key "cmd" (did you mean "script"?), wanted script, from, argv, network, timeout, environment, secrets or stores-secret [key-unknown]
  try: use one of the keys that the message lists`,
  ],
  [
    'neither a content nor a file',
    'steps:\n  - file: {path: etc/motd}\n',
    `patch.yaml:3:11: file: found neither, wanted one of "from" and "content" [value-wrong]
  try: write a value that the message allows`,
  ],
  [
    'steps without an entry',
    'steps:\n',
    `patch.yaml:2:7: steps: found nothing, wanted at least one step such as "- file: {path: etc/motd, content: hello}" [type-wrong]
  try: a list has "- " before each entry, or [ ] around them; a map has NAME: VALUE lines, or { } around them`,
  ],
  [
    'one word in the place of a list',
    'steps:\n  - package: {apt: nano}\n',
    `patch.yaml:3:20: apt: found "nano", wanted a list such as [nano] [type-wrong]
  try: a list has "- " before each entry, or [ ] around them; a map has NAME: VALUE lines, or { } around them`,
  ],
  [
    'a word and a number in the place of a truth value and a text',
    'steps:\n  - user: {name: 5, system: yes}\n',
    `patch.yaml:3:18: name: found 5, wanted a text in quotes [type-wrong]
  try: write a text; in quotes: a number, true and false, and what has ": " or " #" in it
patch.yaml:3:29: system: found "yes", wanted true or false [type-wrong]
  try: write true or false, without quotes`,
  ],
  [
    'an expectation of a command that is not there, and of one with keys below it',
    'steps:\n  - file: {path: a, content: a}\nexpects:\n  - command:\n  - command: {run: ls}\n',
    `patch.yaml:5:13: expects[0].command: found nothing, wanted a text [type-wrong]
  try: write a text; in quotes: a number, true and false, and what has ": " or " #" in it
patch.yaml:6:14: expects[1].command: found a map, wanted a text [type-wrong]
  try: write a text; in quotes: a number, true and false, and what has ": " or " #" in it`,
  ],
  [
    'two expectations in one map',
    'steps:\n  - file: {path: a, content: a}\nexpects:\n  - {console: x, file: y}\n',
    `patch.yaml:5:18: found "file" beside "console", which do not go together [key-unknown]
  try: write an entry for each, or leave one of them out`,
  ],
  [
    'no colon after a key',
    'steps\n  - file: {path: a, content: a}\n',
    `patch.yaml:2:1: found "steps" without a ": ", wanted KEY: VALUE [yaml-syntax]
  try: write a colon and a space after the key; indent a value that goes on in the next line below its key`,
  ],
  [
    'no space after a colon',
    'steps:\n  - file: {path:a, content: a}\n',
    `patch.yaml:3:12: found "path:a" without a space after the colon, wanted path: VALUE [key-unknown]
  try: use one of the keys that the message lists`,
  ],
  [
    'a placeholder without quotes',
    'parameters: {p: {default: a, description: a}}\nsteps:\n  - file: {path: a, content: ${p}}\n',
    'patch.yaml:4:31: found ${p} without quotes inside { } or [ ], wanted "${p}" [yaml-syntax]\n  try: put the text into quotes: "..."',
  ],
  [
    'a parameter that is a value, beside a default of another type',
    'parameters:\n  port: 22\n  level: {type: number, default: high, description: d}\nsteps:\n  - file: {path: a, content: a}\n',
    `patch.yaml:3:9: parameters.port: found 22, wanted a map such as {default: 22, description: the port} [type-wrong]
  try: a list has "- " before each entry, or [ ] around them; a map has NAME: VALUE lines, or { } around them
patch.yaml:4:34: parameter level: found "high", wanted a number [parameter-value]
  try: give another value: -s NAME=VALUE, or settings: in moby-patch.yaml`,
  ],
  [
    'an expectation that there is not',
    'steps:\n  - file: {path: a, content: a}\nexpects:\n  - comand: "true"\n',
    `patch.yaml:5:5: unknown key "comand" (did you mean "command"?), wanted console, within, when, file, content, service, mount, type, port, send, answer, command, exit, output, no-failed-services, except, poweroff or memory-below [key-unknown]
  try: use one of the keys that the message lists`,
  ],
  [
    'a key that comes twice',
    'title: Other\nsteps:\n  - file: {path: a, content: a}\n',
    `patch.yaml:2:1: found the key "title" a second time (the first is in line 1), wanted it once [key-repeated]
  try: remove one of the two`,
  ],
  [
    'a colon in a text',
    'steps:\n  - run: echo a: b\n',
    `patch.yaml:3:10: found a second ": " in one line, or a key below a value, wanted quotes around a text that has ": " in it [yaml-syntax]
  try: put the text into quotes: "..."; or correct the indentation of this line and the next`,
  ],
  [
    'a number as a default',
    'parameters:\n  port: {default: 22, description: d}\nsteps:\n  - file: {path: a, content: "${port}"}\n',
    '',
  ],
] as const)
  test(`the first hour: ${what}`, async (t) => {
    t.is(
      await checkFolder(t, { 'p/patch.yaml': head + yaml }),
      answer.replaceAll(/^patch\.yaml/gm, 'p/patch.yaml'),
    );
  });

test('the first hour: mistakes in moby-patch.yaml', async (t) => {
  const files = {
    'p/patch.yaml': `${head}parameters:\n  level: {type: number, default: 1, description: d}\nsteps:\n  - file: {path: a, content: "\${level}"}\n`,
    'moby-patch.yaml': 'image: initrd.gz\npatches: [./p, nsf]\nsetings: {level: 1}\n',
  };
  t.is(
    await checkFolder(t, files),
    `moby-patch.yaml:3:1: unknown key "setings" (did you mean "settings"?), wanted image, patches, settings, secrets, accept, output, split, engine, step-memory, step-processes, compression, level, mode, single-member, data-align, cache, kernel, cmdline, disks, memory, timeout, network, expect, targets or fleet [key-unknown]
  try: use one of the keys that the message lists`,
  );
  const settings = 'image: initrd.gz\npatches: [./p]\nsettings: {level: high, levle: 2}\n';
  t.is(
    await checkFolder(t, { ...files, 'moby-patch.yaml': settings }),
    `moby-patch.yaml:3:19: parameter level: found "high", wanted a number [parameter-value]
  try: give another value: -s NAME=VALUE, or settings: in moby-patch.yaml
moby-patch.yaml:3:32: settings: found "levle" (did you mean "level"?), wanted a parameter of the patches [setting-unknown]
  try: correct the name, or remove the setting`,
  );
});

async function refuse(t: ExecutionContext, work: () => unknown): Promise<string> {
  const error = await t.throwsAsync(async () => work());
  return renderError(createErrorReport(error)).replace(/\S*\/patch\.yaml/g, 'patch.yaml');
}

async function load(t: ExecutionContext, yaml: string) {
  const folder = await createFolder(t, { 'hello/patch.yaml': head + yaml });
  return loadPatch(join(folder, 'hello'));
}

test('the first hour: a parameter without a value, and -s without one', async (t) => {
  const patch = await load(
    t,
    'parameters:\n  builder: {description: who built it}\nsteps:\n  - file: {path: a, content: "${builder}"}\n',
  );
  t.is(
    await refuse(t, () => createPlan({ patches: [patch], settings: {}, image: '0', stamp: 1 })),
    `moby-patch: patch.yaml:3:3: parameter builder: found no value for it in the patch hello, wanted one (who built it) [patch-invalid]
  try: -s builder=VALUE, or in moby-patch.yaml: settings: {builder: VALUE}`,
  );
  t.is(
    await refuse(t, () => parseSettings(['builder'])),
    `moby-patch: found the setting "builder", wanted NAME=VALUE [setting-invalid]
  try: -s builder=VALUE`,
  );
});

test('the first hour: the parameters without a value of several patches are told at once', async (t) => {
  const folder = await createFolder(t, {
    'one/patch.yaml': `${head}parameters:\n  builder: {description: who built it}\nsteps:\n  - file: {path: a, content: "\${builder}"}\n`,
    'two/patch.yaml': `${head}parameters:\n  level: {type: number, description: how loud}\n  key: {description: the key}\nsteps:\n  - ssh-key: {key: "\${key}"}\n  - file: {path: b, content: "\${level}"}\n`,
  });
  const patches = [await loadPatch(join(folder, 'one')), await loadPatch(join(folder, 'two'))];
  const plan = (settings: Record<string, string>) => () =>
    createPlan({ patches, settings, image: '0', stamp: 1 });
  t.is(
    await refuse(t, plan({})),
    `moby-patch: patch.yaml:3:3: parameter builder: found no value for it in the patch one, wanted one (who built it)
patch.yaml:3:3: parameter level: found no value for it in the patch two, wanted one (how loud)
patch.yaml:4:3: parameter key: found no value for it in the patch two, wanted one (the key) [patch-invalid]
  try: add -s builder=VALUE -s level=VALUE -s key=VALUE`,
  );
  t.is(
    await refuse(t, plan({ bilder: 'me', levl: '1', key: 'x' })),
    `moby-patch: 3 problems, found before the first step [build-impossible]
  setting bilder: found no patch with such a parameter (did you mean "builder"?) [setting-unknown]
    try: the patches have: builder, level, key
  setting levl: found no patch with such a parameter (did you mean "level"?) [setting-unknown]
    try: the patches have: builder, level, key
  patch.yaml:3:3: parameter builder: found no value for it in the patch one, wanted one (who built it)
  patch.yaml:3:3: parameter level: found no value for it in the patch two, wanted one (how loud) [patch-invalid]
    try: add -s builder=VALUE -s level=VALUE`,
  );
  t.regex(
    await refuse(t, plan({ builder: 'me', level: '1', key: 'x' })),
    /^moby-patch: patch\.yaml:6:20: key: found "x", wanted a public key.*\n {2}try: the value comes from the settings of the patch two: -s key=VALUE \(the key\)$/,
  );
});

async function applyTo(t: ExecutionContext, yaml: string, tree: Tree, output = '') {
  const { steps } = await createPlan({ patches: [await load(t, yaml)], settings: {}, image: '0', stamp: 1 });
  const at = createMemoryWorkspace(tree, (argv) => ({
    exitCode: argv.join(' ').includes('false') ? 1 : 0,
    output,
  }));
  return refuse(t, async () => {
    for (const step of steps) await step.apply(at);
  });
}

test('the first hour: a package for another manager than that of the image', async (t) => {
  const tree = { 'usr/bin/apt-get': '', 'var/lib/dpkg/status': '' };
  t.is(
    await applyTo(t, 'steps:\n  - package: {apk: [nano]}\n', tree),
    `moby-patch: patch.yaml:3:5: package: found apt in the image, but the step has names for apk only [package-manager]
  try: add a list of names to the step: apt: [...]`,
  );
});

test('the first hour: of a list of commands the one that failed is named', async (t) => {
  const yaml = 'steps:\n  - run:\n      - "true"\n      - "false"\n      - "true"\n';
  t.is(
    await applyTo(t, yaml, { 'bin/sh': '' }),
    `moby-patch: patch.yaml:3:5: run false (command 2 of 3): found exit code 1, wanted 0 (it printed nothing) [command-failed]
  try: a command that may fail ends with "|| true"`,
  );
});

for (const [what, run, output, hint] of [
  [
    'a script that says nothing',
    'cd /; false',
    '',
    'put "set -x" in front of the script: it then prints each of its commands',
  ],
  [
    'a command that says why',
    'false',
    'no such user',
    'what it printed says why; a command that may fail ends with "|| true"',
  ],
  [
    'a program of the network that says nothing',
    'curl -s x || false',
    '',
    'a step has no network unless it asks for one: - run: {script: ..., network: true}',
  ],
  [
    'a name that was not found',
    'false',
    'Could not resolve host: x',
    'a step has no network unless it asks for one: - run: {script: ..., network: true}',
  ],
  [
    'a name that was not found with a network',
    '{script: "false", network: true}',
    'Could not resolve host: x',
    'the step has a network: look at the address, and at the names that the image resolves',
  ],
] as const)
  test(`the first hour: what helps after ${what}`, async (t) => {
    const yaml = run.startsWith('{') ? run : JSON.stringify(run);
    const answer = await applyTo(t, `steps:\n  - run: ${yaml}\n`, { 'bin/sh': '' }, output);
    t.is(answer.slice(answer.indexOf('try: ')), `try: ${hint}`);
  });

test('the example that a message shows of a kind of step is right', (t) => {
  for (const kind of stepDefinitions.keys()) {
    const example = /"(- .*)"$/s.exec(showExample(kind))?.[1];
    if (example === undefined) continue;
    const { problems } = parsePatch(`${head}steps:\n  ${example}\n`, { id: 'x', folder: '/x', file: 'x' });
    t.deepEqual(problems, [], kind);
  }
});
