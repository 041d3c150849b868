import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createStreamEngine } from '#src/engine/stream.js';
import { noCache } from '#src/io/cache.js';
import type { Proof } from '#src/model/result/bisection.js';
import type { Session } from '#src/model/session.js';
import { proveMatrix } from '#src/tasks/prove/matrix.js';
import { createArchive, createTestFolder, directory, gzip } from '../fixtures/archive.js';
import { createTestSession } from '../fixtures/session.js';

/** A patch `a` with the parameter `name`, a patch `b` without one, a patch `c` that uses `a`, and two images. */
async function prove(
  t: ExecutionContext,
  settings: Readonly<Record<string, string>>,
  rows: readonly (readonly string[])[] = [['./a'], ['./b']],
) {
  const folder = await createTestFolder(t);
  for (const image of ['one', 'two'])
    await writeFile(join(folder, image), gzip(createArchive([directory('etc')])));
  for (const [id, parameters] of [
    ['a', 'parameters:\n  name: {description: d}\n'],
    ['b', ''],
    ['c', 'uses: [../a]\n'],
  ] as const) {
    await mkdir(join(folder, id));
    const text = `title: ${id}\n${parameters}steps:\n  - file: {path: etc/${id}, content: ${id}}\n`;
    await writeFile(join(folder, id, 'patch.yaml'), text);
  }
  const session: Session = {
    ...createTestSession(folder),
    engines: [createStreamEngine()],
    cache: noCache,
    onStage: () => {},
  };
  const built: Readonly<Record<string, string>>[] = [];
  const request = {
    images: ['one', 'two'],
    kernels: [],
    rows,
    build: { verify: false, engine: 'stream', settings } as const,
  };
  const matrix = await proveMatrix(request, session, async (build): Promise<Proof> => {
    built.push(build.settings);
    return { plan: 'p', tail: [], seconds: 1, verdict: 'passed', remembered: false };
  });
  return { matrix, built };
}

test('a setting goes to the rows of which a patch has the parameter', async (t) => {
  const { matrix, built } = await prove(t, { name: 'x' });
  t.deepEqual(
    matrix.cells.map(({ state }) => state),
    ['passed', 'passed', 'passed', 'passed'],
  );
  t.deepEqual(built, [{ name: 'x' }, { name: 'x' }, {}, {}]);
});

test('a parameter of a patch that another one uses is one of its row', async (t) => {
  const rows = [['./c'], ['./b']];
  const { built } = await prove(t, { name: 'x' }, rows);
  t.deepEqual(built, [{ name: 'x' }, { name: 'x' }, {}, {}]);
  await t.throwsAsync(prove(t, { nam: 'x' }, rows), { code: 'setting-unknown' });
});

test('a setting of which no row has a use is one error, before anything is built', async (t) => {
  await t.throwsAsync(prove(t, { nam: 'x' }), { code: 'setting-unknown', message: /did you mean "name"/ });
});
