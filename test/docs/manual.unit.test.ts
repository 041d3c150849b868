import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { createProgram } from '#src/commands/program.js';
import { createCommandContext } from '../fixtures/command-context.js';
import { renderManual } from './manual.js';

const file = 'man/moby-patch.1';

test('the manual is what the definitions of the commands make (UPDATE=1 writes it)', async (t) => {
  const manual = renderManual(await createProgram('0', createCommandContext('/'), 'all'));
  if (process.env.UPDATE !== undefined) writeFileSync(file, manual);
  t.is(readFileSync(file, 'utf8'), manual);
});
