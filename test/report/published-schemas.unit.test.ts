import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Command } from 'commander';
import { createProgram } from '#src/commands/program.js';
import { nameCommand } from '#src/commands/shared/usage.js';
import { createErrorReport, MobyPatchError, uniteErrors } from '#src/model/error/error.js';
import { createTestFolder } from '../fixtures/archive.js';
import { checkPrinted } from '../fixtures/check-printed.js';
import { createCommandContext } from '../fixtures/command-context.js';
import { errorSchema } from './error-schema.js';
import { findSchema, publishedSchemas } from './published-schemas.js';
import { reportSchema } from './report-schema.js';
import { createReport } from './reports.js';

function listCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(listCommands)];
}

test('every command with --json has a schema, and every schema of a command is of one with --json', async (t) => {
  const program = await createProgram('0.0.0', createCommandContext('/'), 'all');
  const printing = listCommands(program)
    .filter(({ options }) => options.some(({ long }) => long === '--json'))
    .map(nameCommand);
  t.true(printing.length > 25);
  const described = publishedSchemas.flatMap(({ commands }) =>
    commands.map((each) => each.replace(/ --.*/, '')),
  );
  t.deepEqual([...new Set(described)].sort(), [...printing].sort());
});

test('the option that makes another value of it decides the schema', (t) => {
  const name = (line: string) => findSchema(line.split(' '))?.name;
  t.is(name('build -i a.img --json'), 'report');
  t.is(name('build --json --target a'), 'report');
  t.is(name('build --json --target a --target b'), 'targets');
  t.is(name('build --all --json'), 'targets');
  t.is(name('build --for-each table.csv --json'), 'overlays');
  t.is(name('fleet build --on kubernetes --json'), undefined);
});

test('what is printed with --json fails with a field that its schema has not, without one, and with text around it', async (t) => {
  const folder = await createTestFolder(t);
  const finding = { name: 'codec xz', ready: true, needed: false, reason: 'xz 5.4' };
  const print = (stdout: string) => checkPrinted(['doctor', '--json'], folder, { code: 0, stdout });
  await t.notThrowsAsync(print(JSON.stringify([finding])));
  await t.throwsAsync(print(JSON.stringify([{ ...finding, more: 1 }])), { message: /more/ });
  await t.throwsAsync(print(JSON.stringify([{ name: 'codec xz' }])), { message: /ready/ });
  await t.throwsAsync(print(`[]\n[]\n`));
  await t.throwsAsync(print(''));
});

test('the report of a build and its manifest are checked as files, too', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'reports'));
  await writeFile(join(folder, 'reports/a.json'), JSON.stringify({ ...createReport(), version: undefined }));
  const args = ['build', '--report', 'reports/a.json'];
  await t.throwsAsync(checkPrinted(args, folder, { code: 0, stdout: 'text' }), { message: /version/ });
  const manifest = join(folder, 'a.manifest.json');
  await writeFile(manifest, '{"version": 1}');
  const stdout = JSON.stringify(createReport({ manifest }));
  await t.throwsAsync(checkPrinted(['build', '--json'], folder, { code: 0, stdout }), { message: /verdict/ });
});

test('a report with all of its parts, and an error that stands for others, fit their schemas', (t) => {
  const services = [{ name: 'sshd', state: 'started' }];
  const survey = { kind: 'services', services, settled: true, memory: 90_000 } as const;
  const { boot } = createReport();
  const stock = boot && { stock: { ...boot, survey }, stages: [], services: [], errors: [] };
  t.notThrows(() => reportSchema.parse(createReport({ boot: boot && { ...boot, survey }, stock })));
  const one = new MobyPatchError('invalid', 'image-unknown', 'no such image');
  const error = createErrorReport(uniteErrors('build-impossible', 'two problems', [one, one]));
  t.notThrows(() => errorSchema.parse(JSON.parse(JSON.stringify({ failed: true, error }))));
});
