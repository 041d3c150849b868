import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createErrorReport, MobyPatchError } from '#src/model/error/error.js';
import { listPatches } from '#src/patch/language/find-patches.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { bootSchema } from '../report/boot-schema.js';
import { errorSchema } from '../report/error-schema.js';
import { createReport } from '../report/reports.js';
import {
  describePatches,
  formatBootSchema,
  formatConfigurationSchema,
  formatPatchSchema,
  resultSchemas,
} from './support/generated-texts.js';
import { describeSteps } from './support/steps-page.js';

async function checkCurrent(t: ExecutionContext, path: string, wanted: string): Promise<void> {
  if (process.env.UPDATE) await writeFile(path, wanted);
  const found = await readFile(path, 'utf8');
  t.is(
    found,
    wanted,
    `${path} is stale: npm run build && UPDATE=1 npx ava build/test/patch/generated.unit.test.js`,
  );
}

test('patches/README.md is generated from the patch files', async (t) => {
  const folders = await listPatches(['patches']);
  const patches = await Promise.all([...folders.values()].map(loadPatch));
  t.true(patches.length >= 2);
  await checkCurrent(t, join('patches', 'README.md'), describePatches(patches));
});

test('schema/patch.schema.json is generated from the code', async (t) => {
  const text = formatPatchSchema();
  await checkCurrent(t, join('schema', 'patch.schema.json'), text);
  for (const kind of stepDefinitions.keys()) t.true(text.includes(`"${kind}": {`), kind);
});

test('schema/moby-patch.schema.json is generated from the code', async (t) => {
  await checkCurrent(t, join('schema', 'moby-patch.schema.json'), formatConfigurationSchema());
});

test('schema/boot.schema.json is generated, and the boots of the reports fit it', async (t) => {
  await checkCurrent(t, join('schema', 'boot.schema.json'), formatBootSchema());
  t.notThrows(() => bootSchema.parse(createReport().boot));
});

test('the schemas of errors, bisect, matrix, explain and patches are generated', async (t) => {
  const error = createErrorReport(new MobyPatchError('invalid', 'image-unknown', 'no such image'));
  t.notThrows(() => errorSchema.parse({ failed: true, error }));
  for (const [name, text] of resultSchemas)
    await checkCurrent(t, join('schema', `${name}.schema.json`), text);
});

test('docs/steps.md is generated from the schemas and the cases', async (t) => {
  await checkCurrent(t, join('docs', 'steps.md'), describeSteps(join('test', 'patch', 'cases')));
});
