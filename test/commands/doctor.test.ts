import { spawnSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import test from 'ava';
import { tryAccelerator } from '#src/verify/boot/machine/try-accelerator.js';
import { createTestFolder } from '../fixtures/archive.js';
import { cli } from '../fixtures/images/moby.js';
import { declareTest, notRoot, testNeeding } from '../fixtures/needs.js';
import { findingsSchema } from '../report/project-schemas.js';

test('doctor on a machine with nothing names each thing that is missing and its fix, and is exit 5', async (t) => {
  const folder = await createTestFolder(t);
  const { stdout, status } = spawnSync(process.execPath, [cli, 'doctor', '--json'], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: '/nonexistent',
      HOME: folder,
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      TMPDIR: folder,
    },
  });
  t.is(status, 5);
  const findings = findingsSchema.parse(JSON.parse(stdout));
  const missing = findings.filter(({ ready }) => !ready);
  for (const { name, hint } of missing) t.truthy(hint, name);
  const byName = Object.fromEntries(findings.map((finding) => [finding.name, finding]));
  t.like(byName['boot x86_64'], { ready: false, needed: true, hint: 'apt-get install qemu-system-x86' });
  t.like(byName['codec xz'], { ready: false, needed: false, hint: 'apt-get install xz-utils' });
  t.like(byName['wrapper iso'], { ready: false, needed: false, hint: 'apt-get install xorriso' });
  t.like(byName['engine stream'], { ready: true });
  t.like(byName['engine docker'], { ready: false, needed: false });
  t.like(byName.leftovers, { ready: true, reason: 'none' });
  t.like(byName['build cache'], { ready: true });
});

declareTest(notRoot, 'what nobody may write to is not called ready', async (t) => {
  const folder = await createTestFolder(t);
  await chmod(folder, 0o755);
  const { stdout } = spawnSync(process.execPath, [cli, 'doctor', '--json'], {
    cwd: folder,
    encoding: 'utf8',
    uid: 65_534,
    gid: 65_534,
    env: { PATH: '/nonexistent', HOME: folder, DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
  });
  const findings = findingsSchema.parse(JSON.parse(stdout));
  const find = (name: string) => findings.find((finding) => finding.name === name);
  t.like(find('working folder'), { ready: false, reason: `${folder} cannot be written to: EACCES` });
  t.like(find('build cache'), {
    ready: false,
    reason: `${folder}/.cache/moby-patch/builds cannot be written to: EACCES`,
    hint: 'MOBY_PATCH_CACHE=DIR names another, none switches it off',
  });
  t.like(find('configuration'), { ready: true, reason: `none: there is no ${folder}/.config/moby-patch` });
});

testNeeding('qemu-system-x86_64')(
  'a guest proves an accelerator, and a program that is no QEMU none',
  async (t) => {
    const { signal } = new AbortController();
    t.is(
      await tryAccelerator({ qemu: 'qemu-system-x86_64', accelerator: 'tcg', signal, limit: 120 }),
      undefined,
    );
    t.is(await tryAccelerator({ qemu: '/bin/false', accelerator: 'kvm', signal }), 'QEMU ended with 1');
  },
);
