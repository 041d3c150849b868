import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Patch, Step } from '#src/model/patch/patch.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { createPlan } from '#src/patch/plan.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { createMemoryWorkspace, type MemoryWorkspace } from '../fixtures/memory-workspace.js';
import { formatChanges, parseTree } from './support/case-tree.js';

// A folder a case, KIND/right of each first, which docs/steps.md shows: patch.yaml with its files, before.txt (the image), and one of
//   after.txt     what the steps change, and their notes; a second time they change nothing,
//   problems.txt  all mistakes of the patch with their places,
//   failures.txt  why each step alone is not possible in the image.
// after.NAME.txt and failures.NAME.txt are of the image roots/init-NAME.txt, with before.txt on top.
// UPDATE=1 writes what comes out.

const folder = 'test/patch/cases';
const stamp = 1_700_000_000;

const kinds = readdirSync(folder).filter((name) => name !== 'roots');
const cases = kinds.flatMap((kind) => readdirSync(join(folder, kind)).map((name) => join(kind, name)));

const readRoot = (name: string) => readFileSync(join(folder, 'roots', `${name}.txt`), 'utf8');

function readTree(path: string, root: string | undefined): ReturnType<typeof parseTree> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return parseTree(root === undefined ? text : `use init-${root}\n${text}`, readRoot);
}

async function describeTree(at: MemoryWorkspace): Promise<string> {
  const all = await formatChanges(at);
  return JSON.stringify(at.tree()) + all;
}

async function applyAll(at: MemoryWorkspace, steps: readonly Step[]): Promise<string> {
  const notes: string[] = [];
  for (const step of steps) {
    const outcome = await step.apply(at);
    const mark = outcome.changed ? '' : ' (nothing to do)';
    const before = await describeTree(at);
    // A command may do anything a second time.
    const again =
      step.kind !== 'run' && ((await step.apply(at)).changed || (await describeTree(at)) !== before);
    if (again) notes.push(`# ${step.summary}: it did something a second time`);
    notes.push(`# ${step.summary}${mark}`, ...(outcome.notes ?? []).map((note) => `#   ${note}`));
  }
  return `${notes.join('\n')}\n`;
}

const explainError = (error: MobyPatchError) =>
  [
    `${error.path?.replace(/^.*patch.yaml:/, '')} [${error.code}] ${error.message}`,
    error.hint && `  try: ${error.hint}`,
  ]
    .filter((line) => line)
    .join('\n');

async function listFailures(steps: readonly Step[], create: () => MemoryWorkspace): Promise<string> {
  const lines: string[] = [];
  for (const step of steps) {
    const at = create();
    const before = await describeTree(at);
    const error = await step.apply(at).then(
      () => `${step.summary}: no error`,
      (cause) => (cause instanceof MobyPatchError ? explainError(cause) : String(cause.stack)),
    );
    lines.push(error);
    if ((await describeTree(at)) !== before) lines.push('  it changed the image');
  }
  return `${lines.join('\n')}\n`;
}

for (const name of cases) {
  const at = (file: string) => join(folder, name, file);
  const hold = (t: { is(found: string, wanted: string): unknown }, file: string, found: string) => {
    if (process.env.UPDATE) writeFileSync(at(file), found);
    t.is(found, readFileSync(at(file), 'utf8'));
  };
  test(`case ${name}`, async (t) => {
    const patch = await loadPatch(join(folder, name)).catch((error: MobyPatchError) => error);
    if (patch instanceof Error) {
      t.true(existsSync(at('problems.txt')), patch.message);
      hold(t, 'problems.txt', `${patch.message.replace(/^.*?patch.yaml:/gm, '')}\n`);
      return;
    }
    t.false(existsSync(at('problems.txt')), 'the patch has no mistake');
    const plan = async (given: Patch) =>
      (await createPlan({ patches: [given], settings: {}, image: '0'.repeat(64), stamp })).steps;
    for (const file of readdirSync(join(folder, name))) {
      const [, what, root] = /^(after|failures)(?:\.(\w+))?\.txt$/.exec(file) ?? [];
      if (what === undefined) continue;
      const create = () =>
        createMemoryWorkspace(
          readTree(at('before.txt'), root),
          name.startsWith('run/') ? () => ({ exitCode: 0, output: '' }) : undefined,
        );
      if (what === 'failures') {
        // Each alone: two of them may write the same path.
        const steps = await Promise.all(patch.steps.map((step) => plan({ ...patch, steps: [step] })));
        hold(t, file, await listFailures(steps.flat(), create));
        continue;
      }
      const workspace = create();
      const notes = await applyAll(workspace, await plan(patch));
      hold(t, file, (await formatChanges(workspace)) + notes);
      t.notRegex(notes, /a second time/);
    }
  });
}

test('every kind of step has a case that is right, and one with mistakes', (t) => {
  const wanted = [...stepDefinitions.keys()].flatMap((kind) => [`${kind}/right`, `${kind}/wrong`]);
  t.deepEqual(
    wanted.filter((name) => !cases.includes(name)),
    [],
  );
});
