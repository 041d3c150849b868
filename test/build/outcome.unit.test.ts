import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { build, planBuild } from '#src/build.js';
import { createBuildRequest } from '#src/setup/build-request.js';
import { createSession } from '#src/setup/session.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';

const image = createArchive([directory('.'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]);

test('a build and a plan do not reject: the outcome has the report and the error itself', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  const defect = new TypeError('no such thing');
  await using session = createSession({
    folder,
    environment: { HOME: folder },
    log: () => {
      throw defect;
    },
  });
  const request = await createBuildRequest({ image: 'initrd.img', verify: false }, session);
  for (const run of [build, planBuild]) {
    const { report, error } = await run(request, session);
    t.is(error, defect);
    t.like(report, { failed: true, stage: 'plan', error: { code: 'internal', message: 'no such thing' } });
  }
});

test('the outcome of a build that is done has no error', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  await using session = createSession({ folder, environment: { HOME: folder } });
  const request = await createBuildRequest(
    { image: 'initrd.img', output: 'out.img', verify: false },
    session,
  );
  const outcome = await build(request, session);
  t.false('error' in outcome);
  t.like(outcome.report, { failed: false, stage: 'publish', output: join(folder, 'out.img') });
});
