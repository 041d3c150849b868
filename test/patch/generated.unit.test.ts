import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listPatches } from '#src/patch/language/find-patches.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import {
  describePatches,
  describeSchemas,
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

test('the schemas of what is written for other programs are generated, and docs/json.md lists them', async (t) => {
  for (const [name, text] of resultSchemas)
    await checkCurrent(t, join('schema', `${name}.schema.json`), text);
  const mark = '<!-- schemas -->\n';
  const page = join('docs', 'json.md');
  const [before, , after] = (await readFile(page, 'utf8')).split(mark);
  await checkCurrent(t, page, [before, describeSchemas(), after].join(mark));
});

test('docs/steps.md is generated from the schemas and the cases', async (t) => {
  await checkCurrent(t, join('docs', 'steps.md'), describeSteps(join('test', 'patch', 'cases')));
});
