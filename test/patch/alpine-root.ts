import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { type Header as FullHeader, pack } from 'tar-stream';
import { findAlpineArchive } from '../fixtures/needs.js';
import { canEnterRoots, createDirectoryWorkspace, runProgram } from './directory-workspace.js';

export interface AlpineRoot {
  readonly root: string;
  /** The same, untouched. */
  readonly pristine: string;
}

const archive = findAlpineArchive();

/** Why there can be no Alpine root here. */
export const noAlpineRoot =
  archive === undefined
    ? 'skipped: no Alpine root'
    : (await canEnterRoots())
      ? undefined
      : 'skipped: no chroot';

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

type Header = Partial<FullHeader> & { readonly name: string };

const keyName = 'test.rsa.pub';

async function createRepository(root: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const folder = join(root, 'repo', 'x86_64');
  await mkdir(folder, { recursive: true });
  await mkdir(join(root, 'etc/init.d'), { recursive: true });
  for (const level of ['boot', 'default'])
    await mkdir(join(root, 'etc/runlevels', level), { recursive: true });
  await writeFile(join(root, 'etc/apk/keys', keyName), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(root, 'etc/apk/repositories'), '/repo\n');
  await writeFile(join(root, 'etc/runlevels/boot/hostname'), '');
  const libraries = { 'usr/lib/libhello.so': 'a library\n' };
  const scripts = {
    'pre-install': '#!/bin/sh\nadduser -S -D -H hello\n',
    'post-install': '#!/bin/sh\nln -s /etc/init.d/hello /etc/runlevels/default/hello\n',
  };
  const files = { 'etc/init.d/hello': '#!/sbin/openrc-run\n', 'usr/bin/hello': '#!/bin/sh\necho hello\n' };
  const packages = {
    'hello-libs-2.1-r3': await createPackage(privateKey, 'hello-libs', '2.1-r3', libraries, {}, ''),
    'hello-1.0-r0': await createPackage(privateKey, 'hello', '1.0-r0', files, scripts, 'hello-libs'),
  };
  for (const [name, bytes] of Object.entries(packages)) await writeFile(join(folder, `${name}.apk`), bytes);
  const index = join(folder, 'APKINDEX.tar.gz');
  // Made in a copy, so that the untouched root has never run a command.
  const copy = `${root}.index`;
  await cp(root, copy, { recursive: true, verbatimSymlinks: true });
  const at = createDirectoryWorkspace(copy, root);
  const made = await at.run(['/bin/sh', '-ec', 'cd /repo/x86_64; apk index -q -o /index *.apk'], {
    environment: { PATH: '/sbin:/bin:/usr/bin' },
  });
  if (made.exitCode !== 0) throw new Error(made.output);
  const unsigned = await readFile(join(copy, 'index'));
  await writeFile(index, Buffer.concat([await sign(privateKey, unsigned), unsigned]));
  await rm(copy, { recursive: true, force: true });
}

/** An .apk is three gzip members with one tar archive in them: signature, control, data. */
async function createPackage(
  key: KeyObject,
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  scripts: Readonly<Record<string, string>>,
  depends: string,
): Promise<Buffer> {
  const folders = new Set(Object.keys(files).flatMap(listParents));
  const data = gzipSync(
    await createTar([
      ...[...folders].sort().map(createFolderMember),
      ...Object.entries(files).map(createMember),
    ]),
  );
  const info = [
    `pkgname = ${name}`,
    `pkgver = ${version}`,
    'pkgdesc = for tests',
    'url = none',
    'arch = x86_64',
    'license = MIT',
    'size = 4096',
    ...(depends === '' ? [] : [`depend = ${depends}`]),
    `datahash = ${createHash('sha256').update(data).digest('hex')}`,
    '',
  ].join('\n');
  const members = [
    [{ name: '.PKGINFO' }, info] as const,
    ...Object.entries(scripts).map(([event, text]) => [{ name: `.${event}`, mode: 0o100755 }, text] as const),
  ];
  const control = gzipSync(cutEnd(await createTar(members)));
  return Buffer.concat([await sign(key, control), control, data]);
}

/** apk refuses a file whose folder has no entry of its own. */
function listParents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function createFolderMember(name: string): readonly [Header, string] {
  return [{ name, type: 'directory', mode: 0o40755, mtime: new Date(1e12) }, ''];
}

function createMember([name, content]: readonly [string, string]): readonly [Header, string] {
  const digest = createHash('sha1').update(content).digest('hex');
  return [
    { name, mode: 0o100755, mtime: new Date(1e12), pax: { 'APK-TOOLS.checksum.SHA1': digest } },
    content,
  ];
}

async function sign(key: KeyObject, bytes: Uint8Array): Promise<Buffer> {
  const signature = createSign('RSA-SHA1').update(bytes).sign(key);
  const member = [{ name: `.SIGN.RSA.${keyName}`, mode: 0o100644 }, signature] as const;
  return gzipSync(cutEnd(await createTar([member])));
}

async function createTar(members: readonly (readonly [Header, string | Buffer])[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of members)
    archive.entry({ uid: 0, gid: 0, mtime: new Date(0), ...header }, content);
  archive.finalize();
  return buffer(archive);
}

/** Only the last of the three archives may have the two zero blocks of an end. */
function cutEnd(archive: Buffer): Buffer {
  return archive.subarray(0, archive.length - 1024);
}
