import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Command } from 'commander';
import { examples } from '#src/commands/examples.js';
import { createProgram } from '#src/commands/program.js';
import { nameCommand } from '#src/commands/shared/usage.js';
import { describeOldNode, oldestNode } from '#src/io/node-version.js';
import { usualHints } from '#src/model/error/usual-hints.js';
import { createCommandContext } from '../fixtures/command-context.js';

function listCommands(command: Command): Command[] {
  const hidden = new Set(['__complete']);
  return [command, ...command.commands.filter((each) => !hidden.has(each.name())).flatMap(listCommands)];
}

test('every command has examples, and each has only options that the command knows', async (t) => {
  const program = await createProgram('0', createCommandContext('/'), 'all');
  const commands = new Map(listCommands(program).map((command) => [nameCommand(command), command]));
  const ownHelp = [...commands.keys()].filter((name) => !/.+ help$/.test(name));
  t.deepEqual(Object.keys(examples).sort(), ownHelp.sort());
  for (const lines of Object.values(examples))
    for (const line of Object.values(lines)) {
      const words = /moby-patch ([^)"]*)/.exec(line)?.[1]?.trim().split(/\s+/) ?? [];
      const name = commands.has(words.slice(0, 2).join(' ')) ? words.slice(0, 2).join(' ') : words[0];
      const command = commands.get(name ?? '');
      t.truthy(command, line);
      const known = command?.options.flatMap(({ short, long }) => [short, long]) ?? [];
      for (const word of words.filter((each) => each.startsWith('-'))) t.true(known.includes(word), line);
    }
});

test("the help of bisect has no option that changes nothing there, and a build's command line is still read", async (t) => {
  const program = await createProgram('0', createCommandContext('/'), ['bisect']);
  const bisect = program.commands.find((command) => command.name() === 'bisect');
  const help = bisect?.helpInformation() ?? '';
  t.regex(help, /--steps/);
  t.notRegex(help, /^ +(-o, )?--(output|no-verify|provenance|twice)/m);
  t.true(bisect?.options.some(({ long }) => long === '--output'));
});

test('the help of the program loads no command, and has one line for each', async (t) => {
  const program = await createProgram('0', createCommandContext('/'), []);
  const own = program.commands.filter((command) => command.name() !== 'help');
  t.deepEqual(
    own.filter(({ options }) => options.length > 0),
    [],
  );
  t.deepEqual(
    own.map((command) => command.summary()).filter((summary) => summary.length > 60),
    [],
  );
});

test('an old Node gets one line that names the version wanted', (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.is(engines.node, `>=${oldestNode.join('.')}`);
  t.regex(
    describeOldNode('18.20.8') ?? '',
    /^moby-patch: found Node 18\.20\.8, needs Node >= 20\.19 \[node-too-old\]\n {2}try: /,
  );
  t.is(describeOldNode('20.18.9')?.length, describeOldNode('20.18.8')?.length);
  for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.1.0']) t.is(describeOldNode(version), undefined);
});

/** Their message says all there is to say, and nothing can be typed. */
const withoutHint = new Set(['interrupted']);

test('every error that is thrown says what to do', (t) => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const missing = files.flatMap((name) => {
    const source = readFileSync(join('src', name), 'utf8');
    return [...source.matchAll(/new MobyPatchError\(/g)].flatMap(({ index }) => {
      const call = readCall(source.slice(index));
      const code = /'\w+',\s*'([a-z-]+)'/.exec(call)?.[1];
      const isSaid = code === undefined || /hint|details|options|\.\.\./.test(call);
      return isSaid || Object.hasOwn(usualHints, code) || withoutHint.has(code) ? [] : [`${name}: ${code}`];
    });
  });
  t.deepEqual(missing, []);
});

/** From the name of a function to the bracket that closes its arguments. */
function readCall(source: string): string {
  let depth = 0;
  for (const { 0: text, index } of source.matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|[()]/g)) {
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (text === ')' && depth === 0) return source.slice(0, index);
  }
  return source;
}
