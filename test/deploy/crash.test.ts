import { chown, cp, readdir, realpath, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { sample } from '../fixtures/soak.js';
import { type Application, createApplication, createRelease, sha256 } from './application.js';
import { createFaults, type FaultCommand } from './faults/faults.js';

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

/** A killed program leaves its scratch folder: in the folder of the test. */
const createCommand = ({ folder, state }: Application, argv: readonly string[]): FaultCommand => ({
  argv,
  folder,
  environment: { XDG_STATE_HOME: state, TMPDIR: dirname(folder) },
});

/** Whatever happened, the image is one of two, `status` knows which, and the next apply succeeds. */
async function checkAfterwards(
  t: ExecutionContext,
  application: Application,
  where: string,
): Promise<string> {
  const digest = await application.digest();
  const { status } = await application.status();
  t.is(status, digest === stock ? 'stock' : 'patched', where);
  const applied = await application.moby('apply', '-q', '--no-verify');
  t.is(applied.code, 0, `${where}: ${applied.stderr}`);
  t.not(await application.digest(), stock, where);
  t.deepEqual(await readdir(dirname(application.image)), [basename(application.image)], where);
  return digest;
}

/** Numbers of calls, from 1. */
const listPoints = (calls: readonly string[]) => calls.map((_, index) => index + 1);

for (const verb of ['apply', 'restore']) {
  const argv = [verb, '-q', ...(verb === 'apply' ? ['--no-verify'] : [])];

  declareSerialTest(missing, `kill -9 before every call of ${verb} that changes the disk`, async (t) => {
    const { application, reset } = await setUp(t, verb === 'restore');
    await using faults = createFaults(application.folder);
    const run = (at: number) => faults.run(createCommand(application, argv), { at });
    t.is((await run(0)).code, 0);
    const patched = verb === 'apply' ? await application.digest() : undefined;
    const calls = faults.calls();
    const seen: string[] = [];
    for (const at of sample(listPoints(calls), 3)) {
      await reset();
      const { code } = await run(at);
      t.is(code, null, `killed at ${calls[at - 1]}`);
      seen.push(await checkAfterwards(t, application, `${verb} killed at ${calls[at - 1]}`));
    }
    if (patched !== undefined) t.deepEqual([...new Set(seen)].sort(), [stock, patched].sort());
    const left = seen.filter((digest) => digest === stock).length;
    t.log(`${seen.length} of ${calls.length} points: ${left} left the stock image`);
  });

  declareSerialTest(missing, `ENOSPC and EIO at every call of ${verb} that changes the disk`, async (t) => {
    const { application, reset } = await setUp(t, verb === 'restore');
    await using faults = createFaults(application.folder);
    const command = createCommand(application, argv);
    t.is((await faults.call(command, { at: 0, error: 0 })).code, 0);
    const calls = faults.calls();
    let refused = 0;
    for (const at of sample(listPoints(calls), 6)) {
      await reset();
      const before = await application.digest();
      // Calls that need room find none; all others find a broken disk.
      const error = / (open|p?write\w*|mkdir|link|fsetxattr) /.test(calls[at - 1] ?? '') ? 'ENOSPC' : 'EIO';
      const where = `${verb} with ${error} at ${calls[at - 1]}`;
      // A lock that stays is broken once the process that has it is gone.
      const run = / unlink .*\/lock\.\d+$/.test(calls[at - 1] ?? '') ? faults.run : faults.call;
      const { code, stderr } = await run(command, { at, error: constants.errno[error] });
      if (code !== 0) refused += 1;
      t.notRegex(stderr, /\[internal\]/, where);
      // After the rename the new image is in place, and the message says so.
      if (code !== 0 && !/the image was replaced, but/.test(stderr))
        t.is(await application.digest(), before, where);
      await checkAfterwards(t, application, where);
    }
    t.log(`${calls.length} points, at ${refused} of them the command said so`);
  });
}
