import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { findDebianRoot } from '../fixtures/images/debian-root.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { createApplication, sha256 } from './application.js';

const missing = noNamespaces ?? findMissingProgram('debootstrap', 'dpkg-deb', 'cpio', 'find');
/** Large folders that neither dpkg nor apt needs. */
const needless = [
  'usr/lib/udev',
  'usr/lib/systemd',
  'usr/share/perl5',
  'usr/share/zoneinfo',
  'usr/share/i18n',
];

async function run(script: string, ...values: readonly string[]): Promise<void> {
  const { exitCode, output } = await runProcess(['sh', '-ec', script, ...values], { signal, timeout: 200 });
  if (exitCode !== 0) throw new Error(output);
}

/** A release whose apt finds only these packages: by name, version and dependency. */
async function createDebian(
  root: string,
  packages: Readonly<Record<string, readonly [version: string, depends?: string]>>,
): Promise<Buffer> {
  const [work, repository] = [`${root}.deb`, join(root, 'repo')];
  await rm(repository, { recursive: true, force: true });
  await mkdir(repository);
  let index = '';
  for (const [name, [version, depends]] of Object.entries(packages)) {
    await rm(work, { recursive: true, force: true });
    await mkdir(join(work, 'DEBIAN'), { recursive: true });
    await mkdir(join(work, 'usr/bin'), { recursive: true });
    await writeFile(join(work, 'usr/bin', name), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: for tests\n${depends === undefined ? '' : `Depends: ${depends}\n`}`;
    await writeFile(join(work, 'DEBIAN/control'), control);
    const file = join(repository, `${name}.deb`);
    await run('dpkg-deb --root-owner-group -Zgzip -b "$0" "$1"', work, file);
    const bytes = await readFile(file);
    index += `${control}Filename: ./${name}.deb\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n\n`;
  }
  await writeFile(join(repository, 'Packages'), index);
  await run('cd "$0" && find . -xdev | cpio -o -H newc --quiet >"$0.img"', root);
  return readFile(`${root}.img`);
}

async function setUp(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const root = join(folder, 'root');
  await run('cp -a "$0" "$1"', await findDebianRoot((line) => t.log(line)), root);
  for (const path of needless) await rm(join(root, path), { recursive: true, force: true });
  await writeFile(join(root, 'etc/apt/sources.list'), 'deb [trusted=yes] file:/repo ./\n');
  return { project: join(folder, 'project'), root };
}

declareSerialTest(missing, 'reapply names the packages whose version changed', async (t) => {
  const { project, root } = await setUp(t);
  const first = await createDebian(root, { greeter: ['1.0', 'oldlib'], oldlib: ['3'] });
  const application = await createApplication(project, first);
  await writeFile(
    join(project, 'patches/motd/patch.yaml'),
    'title: A package\nsteps:\n  - package: {apt: [greeter]}\n',
  );
  const quick = ['-q', '--no-verify', '--engine', 'local'];
  const applied = await application.moby('apply', '--json', ...quick);
  t.is(applied.code, 0, applied.stderr);
  t.deepEqual(JSON.parse(applied.stdout).deployment.packages, { greeter: '1.0', oldlib: '3' });

  await application.upgrade(
    '1.13.0',
    await createDebian(root, { greeter: ['2.0', 'newlib'], newlib: ['1'] }),
  );
  const again = await application.moby('reapply', ...quick.slice(1));
  t.is(again.code, 0, again.stderr);
  const drift = again.stdout.split('\n').filter((line) => line.startsWith('  package '));
  t.deepEqual(drift, [
    '  package  greeter: 1.0 -> 2.0',
    '  package  newlib: none -> 1',
    '  package  oldlib: 3 -> none',
  ]);
  t.regex((await application.moby('cat', application.image, 'usr/bin/greeter')).stdout, /echo 2\.0/);
  t.is((await application.moby('reapply', ...quick)).code, 6);
});
