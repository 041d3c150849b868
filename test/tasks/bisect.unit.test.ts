import test from 'ava';
import { noCache } from '#src/io/cache.js';
import type { BuildRequest } from '#src/model/build.js';
import type { MobyPatchError } from '#src/model/error/error.js';
import type { Patch } from '#src/model/patch/patch.js';
import type { Proof } from '#src/model/result/bisection.js';
import type { Session } from '#src/model/session.js';
import { renderBisection } from '#src/report/proof/bisection.js';
import { bisect } from '#src/tasks/prove/bisect.js';
import { createTestSession } from '../fixtures/session.js';
import { bisectionSchema } from '../report/proof-schemas.js';

const at = { file: 'patch.yaml', line: 3, column: 5 };
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const patches = names.map(
  (id): Patch => ({
    id,
    folder: id,
    file: `${id}/patch.yaml`,
    title: id,
    uses: [],
    conflicts: [],
    parameters: { [`of-${id}`]: { description: id } },
    steps: [
      { kind: 'noop', value: {}, at },
      { kind: 'noop', value: {}, at },
    ],
    expects: [{ console: id }],
  }),
);
const build: BuildRequest = {
  image: 'image',
  name: 'image',
  patches,
  settings: { 'of-a': 'x', 'of-h': 'y' },
  output: 'out',
  engine: 'stream',
  verify: { kernel: 'k', cmdline: '', timeout: 1, expects: [], network: 'none' },
};
const session: Session = { ...createTestSession('/'), engines: [], cache: noCache, onStage: () => {} };
const base = { plan: 'p', tail: ['last words'], seconds: 3 };

/** Refuses each image that has the step of this number. */
async function find(bad: number, unit: 'patch' | 'step', remembered = false, request = build) {
  const tried: BuildRequest[] = [];
  const found = await bisect({ build: request, unit }, session, async (request): Promise<Proof> => {
    tried.push(request);
    const count = request.patches.reduce((sum, { steps }) => sum + steps.length, 0);
    const verdict = count < bad ? 'passed' : 'refused';
    return { ...base, remembered, verdict, ...(verdict === 'refused' && { reason: `refused ${count}` }) };
  });
  bisectionSchema.parse(JSON.parse(JSON.stringify(found)));
  return { found, tried };
}

test('the bad patch among eight is found in four boots, wherever it stands', async (t) => {
  for (const index of patches.keys()) {
    const { found, tried } = await find(2 * index + 1, 'patch');
    t.deepEqual(found.culprit, { number: index + 1, name: names[index], reason: `refused ${2 * index + 2}` });
    // The stock image is tried where the first patch is bad.
    t.is(found.boots, index === 0 ? 5 : 4);
    t.is(found.tries.at(-1)?.count === 0, index === 0);
    for (const { patches: some, settings } of tried) t.is('of-h' in settings, some.length === 8);
  }
});

test('the bad step among sixteen is found in five boots, and part of a patch expects nothing', async (t) => {
  for (let bad = 1; bad <= 16; bad++) {
    const { found, tried } = await find(bad, 'step');
    t.is(found.culprit?.number, bad);
    t.is(found.boots, bad === 1 ? 6 : 5);
    for (const { patches: some } of tried)
      for (const { steps, expects } of some) t.is(expects.length, steps.length === 2 ? 1 : 0);
  }
});

test('where all together pass, one boot says so; a remembered one is none', async (t) => {
  const { found } = await find(99, 'patch');
  t.is(found.culprit, undefined);
  t.is(found.boots, 1);
  t.regex(
    renderBisection(found)[0] ?? '',
    /^nothing is broken: the image with all 8 patches passes \(1 boot\)/,
  );
  t.is((await find(3, 'patch', true)).found.boots, 0);
  const [one] = renderBisection({ ...found, units: ['p1'] });
  t.is(one, 'nothing is broken: the image with this patch passes (1 boot)');
});

test('what bisect prints names the patch, how each try ended, and the console', async (t) => {
  const lines = renderBisection((await find(1, 'patch')).found);
  t.is(lines[0], 'broken by patch 1 of 8: a (5 boots)');
  t.true(lines.includes('  first 4   refused in 3.0 s: refused 8'));
  t.true(lines.some((line) => line.endsWith(', as above')));
  t.true(lines.includes('  | last words'));
  t.true(lines.includes('  stock     passed in 3.0 s'));
});

test('a stock image that is refused as well is no fault of the first patch', async (t) => {
  await t.throwsAsync(find(0, 'patch'), {
    code: 'bisect-stock',
    message: /no patch is to blame: refused 0/,
  });
});

test('what would boot the stock image again names no kernel that is inside of it', async (t) => {
  const { verify } = build;
  if (verify === undefined) return t.fail();
  const inside = { ...build, verify: { ...verify, kernel: 'boot/k', kernelIsPart: true } };
  const error = await t.throwsAsync(find(0, 'patch', false, inside), { code: 'bisect-stock' });
  t.notRegex((error as MobyPatchError).hint ?? '', /--kernel/);
});

test('without a boot or a patch there is nothing to find', async (t) => {
  const { verify: _, ...unbooted } = build;
  await t.throwsAsync(bisect({ build: unbooted, unit: 'patch' }, session), { code: 'option-wrong' });
  await t.throwsAsync(bisect({ build: { ...build, patches: [] }, unit: 'patch' }, session), {
    code: 'bisect-nothing',
  });
});
