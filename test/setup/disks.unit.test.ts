import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { build } from '#src/build.js';
import { type BuildArguments, createBuildRequest } from '#src/setup/build-request.js';
import { parseBootFlags, parseFlags } from '#src/setup/flags.js';
import { createSession } from '#src/setup/session.js';
import { listTerms } from '#src/tasks/prove/list-terms.js';
import { openProof } from '#src/tasks/prove/prove-build.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';

const image = createArchive([directory('.'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]);

test('the disks of moby-patch.yaml begin at its folder, and those of the command line replace them', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'project'));
  await writeFile(join(folder, 'project/initrd.img'), image);
  const text = 'image: initrd.img\nkernel: vmlinuz\ndisks: [root.raw, ../data.qcow2]\n';
  await writeFile(join(folder, 'project/moby-patch.yaml'), text);
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const request = async (wanted: Partial<BuildArguments> = {}) =>
    createBuildRequest({ config: 'project/moby-patch.yaml', verify: true, ...wanted }, session);
  const disksOf = async (wanted?: Partial<BuildArguments>) => (await request(wanted)).verify?.disks;
  t.deepEqual(await disksOf(), [join(folder, 'project/root.raw'), join(folder, 'data.qcow2')]);
  t.deepEqual(await disksOf({ disks: ['mine.raw'] }), [join(folder, 'mine.raw')]);
  t.deepEqual(await disksOf({ disks: [] }), undefined, 'none may be wanted, too');
  const { faults = [] } = await request({ disks: ['out.img'], output: 'out.img' });
  t.deepEqual(
    faults.map(({ code, message }) => `${code}: ${message}`),
    ['output-is-input: the output would replace a disk of the guest'],
  );
});

test('all disks that a build cannot use are told before its first step', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  await writeFile(join(folder, 'packed.gz'), Buffer.from('1f8b0800', 'hex'));
  await mkdir(join(folder, 'motd'));
  await writeFile(
    join(folder, 'motd/patch.yaml'),
    'title: A file\nsteps:\n  - file: {path: motd, content: x}\n',
  );
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const disks = ['none.raw', 'packed.gz', '.'];
  const wanted = { image: 'initrd.img', kernel: 'vmlinuz', patches: ['./motd'], disks, verify: true };
  const { report } = await build(await createBuildRequest({ ...wanted, config: false }, session), session);
  const found = (report.error?.problems ?? []).map(
    ({ code, path = '' }) => `${code} ${path.replace(folder, '')}`,
  );
  for (const problem of ['disk-unreadable /none.raw', 'disk-unfit /packed.gz', 'disk-unreadable '])
    t.true(found.includes(problem), found.join());
});

test('the words of a command line are the same for a build and for a boot alone', (t) => {
  t.deepEqual(parseBootFlags({ disk: ['a', 'b'] }), { disks: ['a', 'b'], expects: [] });
  t.deepEqual(parseFlags({ disk: ['a'] }, '/'), { disks: ['a'], expects: [] });
  t.deepEqual(parseFlags({}, '/'), { expects: [] });
});

test('what a boot has shown is remembered for the content of its disks, wherever they are', async (t) => {
  const folder = await createTestFolder(t);
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  await writeFile(join(folder, 'initrd.img'), image);
  await writeFile(join(folder, 'vmlinuz'), 'kernel');
  await writeFile(one, 'disk');
  await writeFile(two, 'disk');
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const termsOf = async (disks: readonly string[]) => {
    const wanted = { image: 'initrd.img', kernel: 'vmlinuz', disks, verify: true, config: false } as const;
    const plan = { id: 'plan' } as Parameters<typeof listTerms>[0];
    return listTerms(plan, await createBuildRequest(wanted, session), new Map());
  };
  t.deepEqual(await termsOf([one]), await termsOf([two]));
  t.notDeepEqual(await termsOf([one]), await termsOf([]));
  await writeFile(two, 'other');
  t.notDeepEqual(await termsOf([one]), await termsOf([two]));
});

test('a verdict on a guest with the network of this machine is not remembered: what it met there may be gone', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  await writeFile(join(folder, 'vmlinuz'), 'kernel');
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const isRemembered = async (network: 'isolated' | 'host') => {
    const wanted = { image: 'initrd.img', kernel: 'vmlinuz', network, verify: true, config: false } as const;
    const plan = { id: 'plan' } as Parameters<typeof listTerms>[0];
    const kernels = new Map<string, string>();
    return (
      (await openProof(plan, await createBuildRequest(wanted, session), { session, kernels })) !== undefined
    );
  };
  t.true(await isRemembered('isolated'));
  t.false(await isRemembered('host'));
});
