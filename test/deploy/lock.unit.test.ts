import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { lockFolder } from '#src/deploy/state/lock.js';
import { recordProcess } from '#src/io/process/process-record.js';
import type { MobyPatchError } from '#src/model/error/error.js';
import { recordDead } from '../fixtures/abandoned.js';
import { createTestFolder } from '../fixtures/archive.js';

for (const content of ['null', '[]', '{}', '"x"', '12', '{"pid":"1"}', '{"pid":-1}', '', '{"pid":', '\0']) {
  test(`a lock that contains ${JSON.stringify(content)} was left by a power failure`, async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(join(folder, 'lock.1'), content);
    const lock = await lockFolder(folder, 'apply');
    t.deepEqual(await readdir(folder), ['lock.2']);
    await lock[Symbol.asyncDispose]();
    t.deepEqual(await readdir(folder), []);
  });
}

test('a lock counts while its process is there, also one that cannot be seen from here', async (t) => {
  const folder = await createTestFolder(t);
  const write = (owner: object) =>
    writeFile(join(folder, 'lock.1'), JSON.stringify({ ...owner, what: 'reapply' }));
  const refuse = () => t.throwsAsync<MobyPatchError>(lockFolder(folder, 'apply'));
  await write(recordProcess());
  t.like(await refuse(), { code: 'locked', hint: 'wait until it is done' });
  await write({ ...recordProcess(), namespace: 'pid:[1]' });
  t.like(await refuse(), {
    code: 'locked',
    hint: `it is in another container; if that is gone: rm ${join(folder, 'lock.1')}`,
  });
  await write(recordDead());
  await (await lockFolder(folder, 'apply'))[Symbol.asyncDispose]();
  t.deepEqual(await readdir(folder), []);
});
