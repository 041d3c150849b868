import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { openDrive, openDrives } from '#src/verify/boot/machine/open-drives.js';
import { createFolder } from '../../patch/support/patch-folder.js';

interface Header {
  readonly version?: number;
  readonly backing?: string;
  readonly features?: bigint;
  readonly crypt?: number;
  readonly size?: bigint;
  readonly clusterBits?: number;
  readonly extension?: number;
}

/** A qcow2 disk without content: its table is in the second cluster. */
function createQcow2({
  version = 3,
  backing,
  features = 0n,
  crypt = 0,
  size = 2n ** 30n,
  clusterBits = 16,
  extension,
}: Header = {}): Buffer {
  const bytes = Buffer.alloc(2 * 65536);
  bytes.write('QFI\xfb', 'latin1');
  bytes.writeUInt32BE(version, 4);
  bytes.writeUInt32BE(clusterBits, 20);
  bytes.writeBigUInt64BE(size, 24);
  bytes.writeUInt32BE(crypt, 32);
  bytes.writeUInt32BE(2, 36);
  bytes.writeBigUInt64BE(65536n, 40);
  if (version === 3) {
    bytes.writeBigUInt64BE(features, 72);
    bytes.writeUInt32BE(104, 100);
  }
  if (extension !== undefined) bytes.writeUInt32BE(extension, 104);
  if (backing !== undefined) {
    bytes.writeBigUInt64BE(512n, 8);
    bytes.writeUInt32BE(backing.length, 16);
    bytes.write(backing, 512);
  }
  return bytes;
}

const refusal = async (path: string) => {
  const error = await openDrive(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof MobyPatchError ? `${error.code}: ${error.message}` : 'none';
};

test('the format of a disk is that of its content', async (t) => {
  const disk = Buffer.alloc(4096);
  disk.write('\x55\xaa', 510, 'latin1');
  const folder = await createFolder(t, {
    raw: disk,
    zeros: Buffer.alloc(1000),
    noise: Buffer.from('\x1f\x8bx'),
  });
  await writeFile(join(folder, 'a.raw'), createQcow2());
  await writeFile(join(folder, 'old'), createQcow2({ version: 2 }));
  const formatOf = async (name: string) => (await openDrive(join(folder, name))).format;
  for (const name of ['raw', 'zeros', 'noise']) t.is(await formatOf(name), 'raw', name);
  for (const name of ['a.raw', 'old']) t.is(await formatOf(name), 'qcow2', name);
});

test('a qcow2 disk that leads to another file, or is not whole, is refused', async (t) => {
  const folder = await createFolder(t, {});
  const path = join(folder, 'd.qcow2');
  const cases: readonly (readonly [Header | Buffer, RegExp])[] = [
    [{ backing: '/etc/shadow' }, /disk-unfit: .* based on another file \(\/etc\/shadow\)/],
    [{ version: 2, backing: 'json:{"driver":"file"}' }, /based on another file/],
    [{ features: 4n }, /data is in another file/],
    [{ extension: 0x44415441 }, /data is in another file/],
    [{ crypt: 2 }, /an encrypted qcow2 disk/],
    [{ features: 2n }, /marked as damaged/],
    [{ features: 1n << 40n }, /unknown features \(bit 40\)/],
    [{ size: 0n }, /of no size/],
    [{ clusterBits: 30 }, /whose header is damaged/],
    [{ version: 9 }, /whose header is damaged/],
    [createQcow2().subarray(0, 60), /whose header is damaged/],
    [createQcow2().subarray(0, 65536), /cut off/],
    [{ version: 1 }, /a qcow disk/],
  ];
  for (const [header, wanted] of cases) {
    await writeFile(path, Buffer.isBuffer(header) ? header : createQcow2(header));
    t.regex(await refusal(path), wanted);
  }
  await writeFile(path, createQcow2({ features: 0b11001n }));
  t.is(await refusal(path), 'none', 'not closed, another compression, and large entries are no fault');
});

test('what is no disk is refused with what it is', async (t) => {
  const kernel = Buffer.alloc(4096);
  kernel.write('HdrS', 0x202);
  const folder = await createFolder(t, {
    empty: '',
    initrd: '070701000000',
    packed: Buffer.from('1f8b080000000000', 'hex'),
    vmdk: 'KDMV',
    kernel,
  });
  await mkdir(join(folder, 'folder'));
  const cases = {
    empty: /disk-unfit: found an empty file/,
    initrd: /found an initrd/,
    packed: /found a gzip file/,
    vmdk: /found a VMDK disk/,
    kernel: /found a Linux kernel/,
    folder: /disk-unreadable: .* found a folder/,
    none: /disk-unreadable: .* ENOENT/,
  };
  for (const [name, wanted] of Object.entries(cases)) t.regex(await refusal(join(folder, name)), wanted);
  t.regex(await refusal('/dev/null'), /disk-unreadable: .* found a device/);
});

test('a machine has as many disks as letters, with that of the image', async (t) => {
  const folder = await createFolder(t, { d: 'x' });
  const disks = Array(26).fill(join(folder, 'd'));
  t.is((await openDrives({ disks })).length, 26);
  const disk = { path: '/s', type: 'erofs' } as const;
  t.deepEqual((await openDrives({ disk, disks: disks.slice(1) }))[0], {
    path: '/s',
    format: 'raw',
    isFixed: true,
  });
  await t.throwsAsync(openDrives({ disk, disks }), { message: /found 26 disks and an image that is one/ });
  const error = await t.throwsAsync(openDrives({ disks: [...disks, 'd'] }), { instanceOf: MobyPatchError });
  t.is(error?.code, 'disks-many');
  t.is(await readFile(join(folder, 'd'), 'utf8'), 'x');
});
