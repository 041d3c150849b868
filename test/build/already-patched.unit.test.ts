import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { build } from '#src/build.js';
import { createBuildRequest } from '#src/setup/build-request.js';
import { createSession } from '#src/setup/session.js';
import { inspect } from '#src/tasks/inspect.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';

const image = createArchive([
  directory('.'),
  directory('etc'),
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
]);

test('an image that has a patch is known by its record or its manifest, and does not get the patch again', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name));
    const step = `  - file: {path: etc/${name}, content: x}\n`;
    await writeFile(join(folder, name, 'patch.yaml'), `title: ${name}\nsteps:\n${step}`);
  }
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const run = async (from: string, patches: readonly string[], more: object = {}) => {
    const flags = { image: from, patches, verify: false, config: false as const, ...more };
    const { report } = await build(await createBuildRequest(flags, session), session);
    return report.error?.code ?? report.error;
  };
  const known = async (name: string) => (await inspect({ image: name }, session)).inspection.patched;
  const terms = { output: 'a.img', record: true, provenance: true };
  t.is(await run('initrd.img', ['./one'], terms), undefined);
  t.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('a.')),
    ['a.img', 'a.img.cdx.json', 'a.img.manifest.json', 'a.img.provenance.json'],
  );
  const { changes } = JSON.parse(await readFile(join(folder, 'a.img.manifest.json'), 'utf8'));
  t.deepEqual(changes[2], { path: 'etc/one', change: 'added', steps: [0] });
  t.like(await known('a.img'), { by: 'record', patches: ['one'] });
  t.is(await run('a.img', ['./one'], { output: 'x.img' }), 'already-patched');
  await rm(join(folder, 'a.img.manifest.json'));
  t.is(await run('a.img', ['./two', './one'], { output: 'x.img' }), 'already-patched');
  t.is(await run('a.img', ['./one'], { output: 'again.img', again: true }), undefined);
  t.is(await run('a.img', ['./two'], { output: 'both.img', record: true }), undefined);
  t.deepEqual((await known('both.img'))?.patches, ['one', 'two']);
  t.is(await run('a.img', ['./two'], { output: 'mixed.img' }), undefined);
  t.like(await known('mixed.img'), { by: 'mixed.img.manifest.json', patches: ['one', 'two'] });

  t.is(await run('initrd.img', ['./two'], { output: 'plain.img' }), undefined);
  t.like(await known('plain.img'), { by: 'plain.img.manifest.json', patches: ['two'] });
  t.is(await run('plain.img', ['./two'], { output: 'x.img' }), 'already-patched');
  t.is(await run('initrd.img', [], { output: 'same.img', record: true }), undefined);
  t.true((await readFile(join(folder, 'same.img'))).equals(image), 'without patches it is the input');
  t.is(await known('same.img'), undefined);
});

test('a record that cannot be read is told, and does not keep the image from being built', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'one'));
  const step = '  - file: {path: etc/one, content: x}';
  await writeFile(join(folder, 'one/patch.yaml'), `title: one\nsteps:\n${step}\n`);
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  for (const [name, record] of [
    ['damaged', '{"version": 1, "input": 7}'],
    ['of a later version', '{"version": 2, "input": "a", "plan": "p", "patches": [], "packages": {}}'],
  ] as const) {
    const entries = [directory('etc/moby-patch'), file('etc/moby-patch/record.json', record)];
    const known = createArchive([directory('.'), directory('etc'), ...entries, file('init', '#!/bin/sh\n')]);
    await writeFile(join(folder, 'known.img'), known);
    const { inspection } = await inspect({ image: 'known.img' }, session);
    t.deepEqual(
      inspection.hazards.filter(({ code }) => code === 'record-unread').map(({ path }) => path),
      ['etc/moby-patch/record.json'],
      name,
    );
    const flags = {
      image: 'known.img',
      patches: ['./one'],
      verify: false,
      config: false as const,
      output: 'x.img',
    };
    const { report } = await build(await createBuildRequest(flags, session), session);
    t.is(report.error, undefined, name);
    t.is(
      report.warnings.filter((text) => text.includes('no record that this version reads')).length,
      1,
      name,
    );
  }
});
