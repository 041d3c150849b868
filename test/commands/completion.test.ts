import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { listValues } from '#src/commands/completion/values.js';
import { completeWords, nameValue, valueKinds } from '#src/commands/completion/words.js';
import { addCompletionCommand } from '#src/commands/completion.js';
import { createProgram } from '#src/commands/program.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby, createCommandContext } from '../fixtures/command-context.js';
import { cli } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { createTestSession } from '../fixtures/session.js';

/** A project with an image whose name has a blank and a patch of its own, and a `moby-patch` in the PATH. */
async function setUp(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const bin = join(folder, 'bin');
  for (const name of ['bin', 'work/patches/mine', 'work/images'])
    await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(bin, 'moby-patch'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
  await chmod(join(bin, 'moby-patch'), 0o755);
  const work = join(folder, 'work');
  await writeFile(join(work, 'an image.gz'), '');
  await writeFile(join(work, 'images/router.yaml'), 'title: x\ninitrd: x\n');
  const patch =
    'title: x\nparameters: {colour: {description: "a: b"}}\nsteps: [file: {path: a, content: b}]\n';
  await writeFile(join(work, 'patches/mine/patch.yaml'), patch);
  return {
    work,
    environment: {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      HOME: folder,
      TERM: 'dumb',
      INPUTRC: '/dev/null',
    },
  };
}

/** Types the keys into an interactive shell on a terminal of its own; what it printed between `<<` and `>>`. */
async function type(
  t: ExecutionContext,
  shell: string,
  setup: string,
  lines: readonly string[],
): Promise<string[]> {
  const { work, environment } = await setUp(t);
  const child = spawn('script', ['-qec', shell, '/dev/null'], {
    cwd: work,
    env: environment,
    timeout: 120_000,
  });
  // Before the line the shell has after the keys a command is put that prints its words.
  const keys = lines.map((line) => `${line}\x01printf '<<%s>>' "$(printf '%s|' \x05)"\n`);
  child.stdin.end(`${setup}\n${keys.join('')}exit\n`);
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  return [...text.matchAll(/<<moby-patch\|(.*?)\|>>/g)].map(([, words = '']) => words);
}

const all = '\x1b*';

declareTest(
  findMissingProgram('script', 'bash'),
  'bash completes commands, options, their choices, ids and files at its own prompt',
  async (t) => {
    const found = await type(t, 'bash --norc --noprofile -i', 'eval "$(moby-patch completion bash)"', [
      'moby-patch bui\t',
      `moby-patch build --engine=${all}`,
      'moby-patch build --image an\t',
      `moby-patch inspect r${all}`,
      'moby-patch build -p min\t-s c\tred',
      'moby-patch build --report="an i\t',
    ]);
    t.deepEqual(found, [
      'build',
      'build|--engine=auto|docker|local|stream',
      'build|--image|an image.gz',
      'inspect|reference|router',
      'build|-p|mine|-s|colour=red',
      'build|--report=an image.gz',
    ]);
  },
);

declareTest(findMissingProgram('script', 'zsh'), 'zsh completes the same at its own prompt', async (t) => {
  // With EDITOR=vi it would take the keys for those of vi.
  const setup = 'bindkey -e; autoload -U compinit; compinit -D -u; eval "$(moby-patch completion zsh)"';
  const found = await type(t, 'zsh -f -i', setup, [
    'moby-patch build --engine=d\t',
    'moby-patch inspect ro\t',
    'moby-patch build -p min\t-s c\tred',
    'moby-patch build --report=an\t',
  ]);
  t.deepEqual(found, [
    'build|--engine=docker',
    'inspect|router',
    'build|-p|mine|-s|colour=red',
    'build|--report=an image.gz',
  ]);
});

declareTest(findMissingProgram('fish'), 'fish completes the same, with descriptions', async (t) => {
  const { work, environment } = await setUp(t);
  const lines = ['bui', 'build --engine=d', 'inspect ro', 'build -p mine -s c', 'build --report=an'];
  const asked = lines.map((line) => `complete -C 'moby-patch ${line}'`);
  const script = ['moby-patch completion fish | source', ...asked].join('\n');
  const child = spawn('fish', ['--no-config', '-c', script], {
    cwd: work,
    env: environment,
    timeout: 120_000,
  });
  let text = '';
  for await (const piece of child.stdout) text += piece;
  t.deepEqual(text.trim().split('\n'), [
    'build\tpatch an image, check it, boot it, and put it in place',
    '--engine=docker\twhere commands run',
    'router\timage definition',
    'colour=\ta: b',
    '--report=an image.gz',
  ]);
});

test('the script is for the named shell, or for that of $SHELL', async (t) => {
  const print = (named: readonly string[], SHELL: string) =>
    callMoby(['completion', ...named], '/', { SHELL });
  t.regex((await print([], '/usr/bin/fish')).stdout, /^# Completes moby-patch in fish/);
  t.regex((await print(['bash'], '/usr/bin/fish')).stdout, /^# Completes moby-patch in bash/);
  for (const shell of ['/bin/tcsh', '']) {
    const { code, stderr } = await print([], shell);
    t.is(code, 2);
    t.regex(stderr, /shell-unknown/);
  }
});

/** A program like the real one, in small. */
function createSample(): Command {
  const program = new Command('moby-patch');
  const host = program.command('host').description('hosts');
  host.command('nfs').option('--root <directory>', 'where');
  program
    .command('build')
    .option('-i, --image <image>', 'the image')
    .option('-p, --patch <patch>', 'a patch')
    .option('-s, --set <name=value>', 'a value')
    .option('--level <number>', 'a level')
    .option('--no-verify', 'no boot');
  program.command('diff').argument('<a>').argument('<b>');
  program.command('check').argument('[patch...]');
  addCompletionCommand(program.command('completion'), createCommandContext('/'), program);
  return program;
}

const complete = (...words: string[]) => {
  const { candidates, ...rest } = completeWords(createSample(), words);
  return { ...rest, candidates: candidates.map(({ value }) => value) };
};

test('the candidates depend on the words before', (t) => {
  t.deepEqual(complete('').candidates, ['host', 'build', 'diff', 'check', 'completion', 'help']);
  t.deepEqual(complete('host', '').candidates, ['nfs', 'help']);
  t.deepEqual(complete('help', '').candidates, complete('').candidates);
  t.deepEqual(complete('completion', '').candidates, ['bash', 'zsh', 'fish']);
  t.deepEqual(complete('build', '--').candidates, [
    '--image',
    '--patch',
    '--set',
    '--level',
    '--no-verify',
    '--help',
  ]);
  t.true(complete('build', '-').candidates.includes('-i'));
  t.like(complete('build', '--image', 'x'), { values: 'image', typed: 'x', prefix: '' });
  t.like(complete('build', '-i', 'x', '-p', ''), { values: 'patch', candidates: [] });
  t.like(complete('build', '--patch=one', '-p', 'two', '-s', ''), {
    values: 'setting',
    patches: ['one', 'two'],
  });
  t.like(complete('build', '--set=a'), { values: 'setting', prefix: '--set=', typed: 'a' });
  t.like(complete('host', 'nfs', '--root', ''), { values: 'folders' });
  // The name of a command as the value of an option is no command.
  t.true(complete('build', '--level', 'check', '').candidates.includes('--image'));
});

test('a value of an unknown kind has no candidates', (t) => {
  for (const words of [
    ['build', '--level', ''],
    ['build', '--', ''],
    ['nothing', ''],
  ])
    t.like(complete(...words), { values: undefined, candidates: [] }, words.join(' '));
  t.like(complete(), { values: undefined });
});

test('options and their values do not count as arguments', (t) => {
  t.is(complete('diff', '').values, 'image');
  t.is(complete('diff', 'one', '').values, 'image');
  t.is(complete('diff', 'one', 'two', '').values, undefined);
  t.is(complete('check', 'one', 'two', '').values, 'patch');
  t.is(complete('check', '--', '-x').values, 'patch');
});

test('ids that need quotes are left out, and the text of a patch stays on its line', async (t) => {
  const folder = await createTestFolder(t);
  for (const name of ['plain', 'two words', '$(touch x)', "it's"]) {
    await mkdir(join(folder, 'patches', name), { recursive: true });
    await writeFile(
      join(folder, 'patches', name, 'patch.yaml'),
      'title: x\nparameters: {p: {description: "a\\nb\\e[2J"}}\nsteps: [file: {path: a, content: b}]\n',
    );
  }
  const session = createTestSession(folder);
  const { candidates } = await listValues('patch', [], session);
  const ids = candidates.map(({ value }) => value);
  t.true(ids.includes('plain') && ids.includes('nfs'));
  t.true(
    ids.every((id) => /^[\w-]+$/.test(id)),
    ids.join(),
  );
  t.deepEqual((await listValues('setting', ['plain'], session)).candidates, [
    { value: 'p=', description: 'a b [2J' },
  ]);
});

test('every value of the program has a kind', async (t) => {
  const program = await createProgram('0', createCommandContext('/'), 'all');
  const walk = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(walk)];
  for (const command of walk(program)) {
    const options = command.options.filter(
      ({ required, argChoices }) => required && argChoices === undefined,
    );
    const args = command.registeredArguments.filter(({ argChoices }) => argChoices === undefined);
    for (const name of [...options.map(nameValue), ...args.map((each) => each.name())])
      t.true(name === 'word' || name in valueKinds, `${command.name()}: <${name}> is not in valueKinds`);
  }
  t.true(walk(program).length > 20);
});

test('secrets are offered where their source is named, and nowhere else', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/p'), { recursive: true });
  await writeFile(
    join(folder, 'patches/p/patch.yaml'),
    'title: x\nparameters: {host: {description: a}, token: {description: b, secret: true}}\nsteps: [remove: a]\n',
  );
  const session = createTestSession(folder);
  const names = async (kind: 'setting' | 'secret') =>
    (await listValues(kind, ['p'], session)).candidates.map(({ value }) => value);
  t.deepEqual(await names('setting'), ['host=']);
  t.deepEqual(await names('secret'), ['token=']);
});
