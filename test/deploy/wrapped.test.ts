import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { sketchIso, sketchProgram } from '../wrapper/sketches.js';

const patch = 'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello\\n"}\n';
const makeInitrd = (version: string) =>
  createArchive([
    directory('.'),
    directory('etc'),
    file('etc/version', version),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
  ]);

const kinds: Readonly<Record<string, (version: string) => Buffer>> = {
  'an ISO': (version) =>
    sketchIso({
      'isolinux/isolinux.cfg': 'label a\nkernel /boot/k\ninitrd /boot/i\n',
      'boot/k': 'kernel',
      // In place: with room for what the patch adds.
      'boot/i': Buffer.concat([makeInitrd(version), Buffer.alloc(4096)]),
    }),
  'a UKI': (version) =>
    sketchProgram([
      { name: '.linux', address: 0x10000, content: 'kernel' },
      { name: '.initrd', address: 0x20000, content: makeInitrd(version).toString('latin1') },
    ]),
};

for (const [kind, make] of Object.entries(kinds))
  test(`${kind} is patched where it is installed, put back, and patched again after an upgrade`, async (t) => {
    const folder = await createTestFolder(t);
    await mkdir(join(folder, 'motd'));
    await writeFile(join(folder, 'motd/patch.yaml'), patch);
    const installed = join(folder, 'installed.img');
    await writeFile(installed, make('1'));
    const moby = (...args: string[]) =>
      callMoby([...args, '-i', './installed.img'], folder, {
        XDG_STATE_HOME: join(folder, 'state'),
        HOME: folder,
      });
    const quick = ['--no-verify', '-q'];
    const read = async (path: string) =>
      (await callMoby(['cat', installed, path], folder, {})).stdout.toString();
    const status = async () => {
      const { stdout } = await moby('status', '--json');
      return (JSON.parse(stdout.toString()) as { status: string }).status;
    };
    const applied = await moby('apply', '-p', './motd', ...quick);
    t.is(applied.code, 0, applied.stderr);
    t.deepEqual([await status(), await read('etc/motd')], ['patched', 'hello\n']);
    t.is((await moby('restore', '-q')).code, 0);
    t.deepEqual(await readFile(installed), make('1'));
    t.is((await moby('apply', '-p', './motd', ...quick)).code, 0);
    await writeFile(installed, make('2'));
    t.is(await status(), 'upgraded');
    t.is((await moby('reapply', ...quick)).code, 0);
    t.deepEqual(
      [await status(), await read('etc/motd'), await read('etc/version')],
      ['patched', 'hello\n', '2'],
    );
  });

test('a signed UKI has a status, and is patched where it is installed once its signature is dropped', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'motd'));
  await writeFile(join(folder, 'motd/patch.yaml'), patch);
  const installed = join(folder, 'installed.efi');
  const sections = [
    { name: '.linux', address: 0x10000, content: 'kernel' },
    { name: '.initrd', address: 0x20000, content: makeInitrd('1').toString('latin1') },
  ];
  const stock = sketchProgram(sections, '', true);
  await writeFile(installed, stock);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder };
  const moby = (...args: string[]) => callMoby([...args, '-i', './installed.efi'], folder, environment);
  const status = async () => {
    const { stdout } = await moby('status', '-p', './motd', '--json');
    return (JSON.parse(stdout.toString()) as { status: string }).status;
  };
  t.is(await status(), 'stock');
  const apply = ['apply', '-p', './motd', '--no-verify', '-q'];
  t.regex((await moby(...apply)).stderr, /it is signed.*--drop-signatures/s);
  const applied = await moby(...apply, '--drop-signatures');
  t.is(applied.code, 0, applied.stderr);
  t.is(await status(), 'patched');
  t.is((await moby('restore', '-q')).code, 0);
  t.deepEqual(await readFile(installed), stock);
});
