import { chown, cp, readdir, realpath, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { type Ran, runMoby } from '../fixtures/moby.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { sample } from '../fixtures/soak.js';
import { type Application, createApplication, createRelease, sha256 } from './application.js';
import { createFaults, type Faults } from './faults.js';

const missing = process.platform === 'linux' ? findMissingProgram('cc') : 'skipped: not Linux';
const stock = sha256(createRelease());

/** An application, and a function that resets it to how it is now. */
async function setUp(t: ExecutionContext, applied: boolean) {
  const application = await createApplication(join(await realpath(await createTestFolder(t)), 'project'));
  if (notRoot === undefined) await chown(application.image, 1000, 1000);
  if (applied) t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  const saved = `${application.folder}.saved`;
  await cp(application.folder, saved, { recursive: true, preserveTimestamps: true });
  return {
    application,
    async reset() {
      await rm(application.folder, { recursive: true });
      await cp(saved, application.folder, { recursive: true, preserveTimestamps: true });
      if (notRoot === undefined) await chown(application.image, 1000, 1000);
    },
  };
}

function run(
  application: Application,
  command: readonly string[],
  faults: Faults,
  at: number,
  error = 0,
): Promise<Ran> {
  const { folder, state } = application;
  // A killed program leaves its scratch folder behind, so that goes into the folder of the test.
  const environment = { XDG_STATE_HOME: state, TMPDIR: dirname(folder), ...faults.arm(folder, at, error) };
  return runMoby(command, { folder, environment });
}

/** Whatever happened, the image is one of two, `status` knows which, and the next apply succeeds. */
async function checkAfterwards(
  t: ExecutionContext,
  application: Application,
  where: string,
): Promise<string> {
  const digest = await application.digest();
  const { status } = await application.status();
  t.is(status, digest === stock ? 'stock' : 'patched', where);
  const applied = await application.call('apply', '-q', '--no-verify');
  t.is(applied.code, 0, `${where}: ${applied.stderr}`);
  t.not(await application.digest(), stock, where);
  t.deepEqual(await readdir(dirname(application.image)), [basename(application.image)], where);
  return digest;
}

/** Numbers of calls, from 1. */
const listPoints = (calls: readonly string[]) => calls.map((_, index) => index + 1);

for (const command of ['apply', 'restore']) {
  const argv = [command, '-q', ...(command === 'apply' ? ['--no-verify'] : [])];

  declareSerialTest(missing, `kill -9 before every call of ${command} that changes the disk`, async (t) => {
    using faults = createFaults();
    const { application, reset } = await setUp(t, command === 'restore');
    t.is((await run(application, argv, faults, 0)).code, 0);
    const patched = command === 'apply' ? await application.digest() : undefined;
    const calls = faults.calls();
    const seen: string[] = [];
    for (const at of sample(listPoints(calls), 6)) {
      await reset();
      const { code } = await run(application, argv, faults, at);
      t.is(code, null, `killed at ${calls[at - 1]}`);
      seen.push(await checkAfterwards(t, application, `${command} killed at ${calls[at - 1]}`));
    }
    if (patched !== undefined) t.deepEqual([...new Set(seen)].sort(), [stock, patched].sort());
    t.log(
      `${seen.length} of ${calls.length} points: ${seen.filter((digest) => digest === stock).length} left the stock image`,
    );
  });

  declareSerialTest(
    missing,
    `ENOSPC and EIO at every call of ${command} that changes the disk`,
    async (t) => {
      using faults = createFaults();
      const { application, reset } = await setUp(t, command === 'restore');
      t.is((await run(application, argv, faults, 0)).code, 0);
      const calls = faults.calls();
      let refused = 0;
      for (const at of sample(listPoints(calls), 6)) {
        await reset();
        const before = await application.digest();
        // Calls that need room find none; all others find a broken disk.
        const error = / (open|p?write\w*|mkdir|link|fsetxattr) /.test(calls[at - 1] ?? '') ? 'ENOSPC' : 'EIO';
        const where = `${command} with ${error} at ${calls[at - 1]}`;
        const { code, stderr } = await run(application, argv, faults, at, constants.errno[error]);
        if (code !== 0) refused += 1;
        t.notRegex(stderr, /\[internal\]/, where);
        // After the rename the new image is in place, and the message says so.
        if (code !== 0 && !/the image was replaced, but/.test(stderr))
          t.is(await application.digest(), before, where);
        await checkAfterwards(t, application, where);
      }
      t.log(`${calls.length} points, at ${refused} of them the command said so`);
    },
  );
}
