import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type ApkPackage, createPackage, createSigner, writeIndex } from '../../fixtures/images/apk.js';
import { findAlpineArchive, noAlpine, notRoot } from '../../fixtures/needs.js';
import { canEnterRoots, runProgram } from './directory-workspace.js';

export interface AlpineRoot {
  readonly root: string;
  /** An untouched copy. */
  readonly pristine: string;
}

const archive = findAlpineArchive();

/** Why no Alpine root can be created here; undefined when one can. */
export const noAlpineRoot =
  noAlpine ?? ((await canEnterRoots()) ? undefined : (notRoot ?? 'skipped: no right to chroot'));

/** A real Alpine root, with a repository of two packages in /repo. */
export async function createAlpineRoot(t: ExecutionContext): Promise<AlpineRoot> {
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const pristine = join(folder, 'pristine');
  await mkdir(pristine);
  await runProgram(['tar', '-C', pristine, '-xzf', archive ?? '', '--no-same-owner'], {});
  await createRepository(pristine);
  return copyAlpineRoot(pristine, join(folder, 'root'));
}

/** Another root of the same kind. */
export async function copyAlpineRoot(pristine: string, root: string): Promise<AlpineRoot> {
  await runProgram(['cp', '-a', pristine, root], {});
  return { root, pristine };
}

async function createRepository(root: string): Promise<void> {
  const signer = createSigner();
  const folder = join(root, 'repo', 'x86_64');
  await mkdir(folder, { recursive: true });
  await mkdir(join(root, 'etc/init.d'), { recursive: true });
  for (const level of ['boot', 'default'])
    await mkdir(join(root, 'etc/runlevels', level), { recursive: true });
  await writeFile(join(root, 'etc/apk/keys', signer.keyName), signer.publicKey);
  await writeFile(join(root, 'etc/apk/repositories'), '/repo\n');
  await writeFile(join(root, 'etc/runlevels/boot/hostname'), '');
  for (const source of packages) {
    const bytes = await createPackage(signer, source);
    await writeFile(join(folder, `${source.name}-${source.version}.apk`), bytes);
  }
  // Made in a copy, so that the untouched root has never run a command.
  const copy = `${root}.index`;
  await cp(root, copy, { recursive: true, verbatimSymlinks: true });
  await writeIndex(signer, copy, folder);
  await rm(copy, { recursive: true, force: true });
}

const packages: readonly ApkPackage[] = [
  {
    name: 'hello-libs',
    version: '2.1-r3',
    files: [{ path: 'usr/lib/libhello.so', content: 'a library\n' }],
  },
  {
    name: 'hello',
    version: '1.0-r0',
    depends: ['hello-libs'],
    files: [
      { path: 'etc/init.d/hello', content: '#!/sbin/openrc-run\n' },
      { path: 'usr/bin/hello', content: '#!/bin/sh\necho hello\n' },
    ],
    scripts: {
      'pre-install': '#!/bin/sh\nadduser -S -D -H hello\n',
      'post-install': '#!/bin/sh\nln -s /etc/init.d/hello /etc/runlevels/default/hello\n',
    },
  },
];
