import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { comparePackages } from '#src/patch/system/packages/managers.js';
import { createManifest } from '#src/report/manifest.js';
import { readLock, readManifest } from '#src/setup/lock-file.js';
import { assertLocked } from '#src/verify/assert-locked.js';
import { createReport, createStep } from '../report/reports.js';

// The maker of a package chooses its name: also one that every object has, and __proto__, which none keeps by assignment.

const packages = comparePackages(
  new Map(),
  new Map([
    ['__proto__', '1'],
    ['constructor', '2'],
    ['hasOwnProperty', '3'],
  ]),
);
const digest = '0'.repeat(64);

test('manifest and lock keep a package whatever its name is, and a difference names it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const manifest = createManifest(createReport({ steps: [createStep({ packages })] }));
  t.deepEqual(Object.entries(manifest.packages), Object.entries(packages));
  const [at, lockAt] = [join(folder, 'manifest.json'), join(folder, 'moby-patch.lock')];
  const image = { name: 'x', size: 1, sha256: digest };
  await writeFile(at, JSON.stringify({ ...manifest, input: image, output: image, plan: 'x' }));
  t.deepEqual(Object.entries((await readManifest(at)).packages), Object.entries(packages));
  await writeFile(lockAt, JSON.stringify({ version: 1, input: digest, plan: 'x', packages, output: digest }));
  const lock = await readLock(lockAt);
  t.notThrows(() => assertLocked(lock, { packages }));
  t.throws(() => assertLocked(lock, { packages: {} }), { message: /__proto__ 1 is missing/ });
  for (const wrong of [[], 'x', { a: 1 }, null]) {
    await writeFile(
      lockAt,
      JSON.stringify({ version: 1, input: digest, plan: 'x', packages: wrong, output: digest }),
    );
    await t.throwsAsync(readLock(lockAt), { code: 'lock-invalid' });
  }
});
