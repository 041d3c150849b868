// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { createFolder, createPatch } from './support/patch-folder.js';

/** The error's lines without the name of the temporary folder. */
async function explain(t: ExecutionContext, yaml: string, files = {}): Promise<string[]> {
  const folder = await createFolder(t, { 'patch.yaml': yaml, ...files });
  return explainFolder(t, folder);
}

async function explainFolder(t: ExecutionContext, folder: string): Promise<string[]> {
  const error = await t.throwsAsync<MobyPatchError>(() => loadPatch(folder), { code: 'patch-invalid' });
  t.is(error.kind, 'invalid');
  return error.message.replaceAll(`${folder}/`, '').split('\n');
}

test('a patch is loaded with all its parts', async (t) => {
  const patch = await createPatch(
    t,
    [
      'parameters:',
      '  server: {default: 192.168.65.1, description: the server}',
      'steps:',
      '  - package: {apk: [nfs-utils, rpcbind], apt: [nfs-common, rpcbind]}',
      '  - file: {path: etc/init.d/usermount, from: files/usermount, mode: 0o755}',
      '  - service: {name: usermount, runlevel: default}',
      '  - run: "ldconfig"',
      'expects:',
      '  - console: "usermount: mounted"',
    ].join('\n'),
    { 'files/usermount': '#!/sbin/openrc-run\n' },
  );
  t.deepEqual(
    patch.steps.map(({ kind, at }) => [kind, at.line, at.column]),
    [
      ['package', 5, 5],
      ['file', 6, 5],
      ['service', 7, 5],
      ['run', 8, 5],
    ],
  );
  t.like(patch.expects[0], { console: 'usermount: mounted', at: { line: 10, column: 14 } });
  t.is(patch.parameters.server?.default, '192.168.65.1');
});

test('all problems are reported at once, each with its place', async (t) => {
  const lines = await explain(
    t,
    [
      'titel: Test',
      'steps:',
      '  - fiel: {path: etc/motd, content: x}',
      '  - file: {path: ../etc/motd, content: 3}',
      '  - file: {pth: etc/motd, from: x, content: y}',
      '  - service: {name: docker}',
      '  - remove: [etc/motd]',
      '  - file: {path: a, content: a}',
      '    mode: {path: a, mode: 0o755}',
      '  - nothing',
    ].join('\n'),
  );
  t.deepEqual(lines, [
    'patch.yaml:1:1: unknown key "titel" (did you mean "title"?), wanted title, when, uses, conflicts, parameters, steps or expects',
    'patch.yaml:3:5: unknown kind of step "fiel" (did you mean "file"?)',
    'patch.yaml:4:18: path: found a ".." in it, wanted a path in the image',
    'patch.yaml:4:40: content: found 3, wanted a text in quotes',
    'patch.yaml:5:12: unknown key "pth" (did you mean "path"?), wanted path, from, content, mode, uid, gid, owner, template, was or stores-secret',
    'patch.yaml:7:13: remove: found a list, wanted a text or a map such as "- remove: etc/motd"',
    'patch.yaml:8:5: found "file" and "mode" in one step, wanted a "- " before each',
    'patch.yaml:10:5: found "nothing", wanted a step such as "- file: {path: etc/motd, content: hello}"',
  ]);
});

test('a notation that YAML reads otherwise than meant is refused', async (t) => {
  const steps = (text: string) => `title: Test\nsteps:\n${text}`;
  t.deepEqual(await explain(t, steps('  - mode: {path: a, mode: 0755}\n  - mode: {path: a, mode: 644}')), [
    'patch.yaml:3:27: mode: found 0755, which is decimal in YAML 1.2, wanted 0o755',
    'patch.yaml:4:27: mode: found 644, which is decimal in YAML 1.2, wanted 0o644',
  ]);
  t.deepEqual(await explain(t, steps('  - remove: &a etc\n  - remove: *a')), [
    'patch.yaml:4:13: found an alias (*name), wanted the value itself',
  ]);
  t.regex(
    (await explain(t, steps('  - remove: a\n    remove: b')))[0] ?? '',
    /^patch.yaml:4:5: found the key "remove" a second time/,
  );
  t.regex(
    (await explain(t, 'title: [1'))[0] ?? '',
    /^patch.yaml:1:\d+: found the end of a line or of the file/,
  );
  t.regex((await explain(t, 'title: !!js/function x\nsteps: []'))[0] ?? '', /found a tag \(!name\)/);
  t.deepEqual(await explain(t, ''), ['patch.yaml:1:1: found nothing, wanted a map']);
  t.deepEqual(
    await explain(t, 'title: T\nparameters: {v: {default: 1.10, description: d}}\nsteps: [{remove: a}]'),
    [
      'patch.yaml:2:27: default: found 1.10, which YAML reads as the number 1.1, wanted "1.10" in quotes for the text, or 1.1',
    ],
  );
});

test('an alias bomb is refused before it is unfolded', async (t) => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    const previous = level === 0 ? 'x' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array(9).fill(previous).join(', ')}]`;
  });
  const lines = await explain(t, levels.join('\n'));
  t.regex(lines[0] ?? '', /found an alias/);
});

test('unknown placeholders and invalid patterns are refused', async (t) => {
  const lines = await explain(
    t,
    [
      'title: Test',
      'parameters:',
      "  port: {default: 'x', description: d, pattern: '[0-9]+'}",
      "  bad: {description: d, pattern: '('}",
      'steps:',
      '  - run: echo "${prot}" "${HOME:-/}" "$${fine}"',
      'expects:',
      "  - console: '('",
    ].join('\n'),
  );
  t.deepEqual(lines, [
    'patch.yaml:3:19: parameter port: found "x", wanted a value that matches [0-9]+',
    'patch.yaml:4:34: parameters.bad.pattern: found "(", wanted a regular expression that JavaScript understands',
  ]);
  const others = await explain(
    t,
    [
      'title: Test',
      'parameters:',
      "  port: {default: 'x', description: d, pattern: '[0-9]+'}",
      'steps:',
      '  - run: echo "${prot}" "${HOME:-/}" "$${fine}"',
      '  - mount: {source: "h:/", target: "/${port}", timeout: "${port}"}',
      'expects:',
      "  - console: '('",
    ].join('\n'),
  );
  t.deepEqual(others, [
    'patch.yaml:3:19: parameter port: found "x", wanted a value that matches [0-9]+',
    'patch.yaml:5:10: found ${prot} (did you mean "port"?), wanted a parameter (there is: port), or $${prot} for the text itself',
    'patch.yaml:5:10: found "${HOME:-/}", wanted ${NAME}, a function of it (${lower(NAME)}, ${basename(NAME)}, ${join(NAME, " ")}), or $${ for a literal ${',
    'patch.yaml:6:57: timeout: found "x", wanted a whole number',
    'patch.yaml:8:14: found "(", wanted a regular expression that JavaScript understands',
  ]);
});

test('a payload is inside the patch folder and has a limit', async (t) => {
  const step = (from: string) => `  - file: {path: a, from: ${from}}`;
  const outside = await createFolder(t, { secret: 'x' });
  const folder = await createFolder(t, {
    'patch.yaml': `title: Test\nsteps:\n${['gone', 'link', 'pipe', 'big', 'fine'].map(step).join('\n')}`,
    real: 'x',
    big: '',
  });
  await symlink(join(outside, 'secret'), join(folder, 'link'));
  await symlink('real', join(folder, 'fine'));
  await mkdir(join(folder, 'pipe'));
  await truncate(join(folder, 'big'), 2 ** 32);
  const lines = await explainFolder(t, folder);
  t.is(lines.length, 4);
  t.is(lines[0], 'patch.yaml:3:27: found no file gone in the patch folder');
  t.regex(lines[1] ?? '', /^patch.yaml:4:27: found that link leads out of the patch folder/);
  t.is(lines[2], 'patch.yaml:5:27: found that pipe is not a regular file, wanted one');
  t.is(
    lines[3],
    'patch.yaml:6:27: found big with 4294967296 bytes, wanted at most 4294967295 (a newc archive holds no larger file)',
  );
  const held = ['archive: {from: big, to: /x}', 'run: {from: big}', 'append: {path: x, from: big}'];
  const wrong = held.map((each) => `  - ${each}\n`).join('');
  await writeFile(join(folder, 'patch.yaml'), `title: Test\nsteps:\n${wrong}`);
  const limits = (await explainFolder(t, folder)).map((line) => line.replace(/^.*, /, ''));
  t.deepEqual(limits, ['wanted at most 67108864', 'wanted at most 65536', 'wanted at most 67108864']);
  for (const name of ['../secret', '/etc/passwd', 'a/../../b']) {
    const [line] = await explain(t, `title: Test\nsteps:\n${step(name)}`);
    t.regex(line ?? '', /^patch.yaml:3:27: from: found a path that leads out of it/);
  }
});

test('a folder without a patch, and a patch file that is too large or no text, are refused', async (t) => {
  const folder = await createFolder(t, {});
  t.regex(
    (await explainFolder(t, folder))[0] ?? '',
    /^patch.yaml:1:1: found no file patch.yaml in the patch folder/,
  );
  await writeFile(join(folder, 'patch.yaml'), Buffer.from([0x74, 0xff]));
  t.regex((await explainFolder(t, folder))[0] ?? '', /not UTF-8/);
  await truncate(join(folder, 'patch.yaml'), 1024 * 1024 + 1);
  t.regex(
    (await explainFolder(t, folder))[0] ?? '',
    /found patch.yaml with 1048577 bytes, wanted at most 1048576/,
  );
});

test('a pattern that backtracks for ever is one problem at its place, and no further one is tried', async (t) => {
  const slow = (name: string) =>
    `  ${name}: {description: d, default: ${'a'.repeat(44)}b, pattern: "(a+)+$"}`;
  const text = [
    'title: slow',
    'parameters:',
    slow('a'),
    slow('b'),
    slow('c'),
    'steps:',
    '  - file: {path: x, content: y}',
  ];
  const lines = await explain(t, text.join('\n'));
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /^patch\.yaml:3:\d+: parameter a: found the pattern \(a\+\)\+\$, which took/);
});
