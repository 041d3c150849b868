import test from 'ava';
import type { Command } from 'commander';
import { createProgram } from '#src/commands/program.js';
import { isCollector } from '#src/commands/shared/options.js';
import { createCommandContext } from '../fixtures/command-context.js';

const listCommands = (command: Command): Command[] => [command, ...command.commands.flatMap(listCommands)];

test('each option that the help calls repeatable may be given many times, and no other', async (t) => {
  const program = await createProgram('0.0.0', createCommandContext('/'), 'all');
  const rows = listCommands(program).flatMap((command) =>
    command.options.map((option) => ({ name: `${command.name()} ${option.flags}`, option })),
  );
  const promised = rows.filter(({ option }) => /\(repeatable\b/.test(option.description));
  const taken = rows.filter(({ option }) => isCollector(option.parseArg));
  t.true(promised.length > 10);
  t.deepEqual(
    taken.map(({ name }) => name),
    promised.map(({ name }) => name),
  );
});
