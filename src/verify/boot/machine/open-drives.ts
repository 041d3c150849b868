import { identifyFile, longestMark, quoteFile, tailSize } from '../../../format/kind/file-kind.js';
import { parseQcow2, qcow2Start } from '../../../format/kind/qcow2.js';
import { readAt } from '../../../io/file/read-write.js';
import { createUnreadableError, openRegular } from '../../../io/file/regular-file.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { BootRequest } from '../../../model/result/boot.js';
import { type Drive, nameDevice } from './drives.js';

/** As many as letters; each takes one of the 32 places of the bus. */
const mostDisks = 26;

/** Formats of disks besides that QEMU knows: some name other files. */
const otherFormats = new Set(['qcow', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'parallels', 'dmg']);

const noDisks = new Set([
  ...['bzimage', 'arm64-image', 'riscv-image', 'uki', 'elf', 'html', 'xml', 'git-lfs', '7z', 'tar', 'zip'],
  ...['rar', 'cab', 'wim', 'rpm', 'deb', 'ar', 'lz4-frame', 'lzip', 'compress'],
]);

/** Whole magic numbers: a disk that is encrypted as a whole begins with any bytes. */
const compressed: readonly (readonly [magic: string, what: string, unpack: string])[] = [
  ['1f8b08', 'a gzip file', 'gunzip -k'],
  ['425a68', 'a bzip2 file', 'bunzip2 -k'],
  ['fd377a585a00', 'an xz file', 'xz -dk'],
  ['28b52ffd', 'a zstd file', 'zstd -d'],
];

type Disks = Pick<BootRequest, 'disk' | 'disks'>;

/** The disks of a guest: that of the image, then those that are given to it. Errors: those of `assertCount` and of `openDrive`. */
export async function openDrives({ disk, disks = [] }: Disks): Promise<Drive[]> {
  assertCount({ disk, disks });
  const drives: Drive[] = disk === undefined ? [] : [{ path: disk.path, format: 'raw', isFixed: true }];
  for (const path of disks) drives.push(await openDrive(path));
  return drives;
}

/** Error (`invalid`): `disks-many`. */
export function assertCount({ disk, disks = [] }: Disks): void {
  const own = disk === undefined ? 0 : 1;
  if (own + disks.length <= mostDisks) return;
  const found = `found ${disks.length} disks${own === 0 ? '' : ' and an image that is one'}`;
  const message = `${found}, wanted at most ${mostDisks} together: ${nameDevice(0)} to ${nameDevice(mostDisks - 1)}`;
  throw new MobyPatchError('invalid', 'disks-many', message, { hint: 'name fewer with --disk FILE' });
}

/** Reads the start and the end of a disk. Errors (`invalid`): `disk-unreadable`, `disk-unfit`. */
export async function openDrive(path: string): Promise<Drive> {
  return { path, format: await detectFormat(path) };
}

/** QEMU is told, and never guesses: what a guest wrote into a raw disk must not become a header that names other files. */
async function detectFormat(path: string): Promise<Drive['format']> {
  const { size, start, tail } = await readEnds(path).catch((cause) => {
    const hint = path.startsWith('/dev/')
      ? `give a copy: qemu-img convert -O qcow2 ${quoteFile(path)} disk.qcow2`
      : 'name a file with a disk in it, raw or qcow2';
    throw createUnreadableError(cause, { code: 'disk-unreadable', what: 'the disk', path, hint });
  });
  if (size === 0) throw createUnfitError(path, 'an empty file', `truncate -s 1G ${quoteFile(path)}`);
  const kind = identifyFile({ start, tail });
  if (kind?.id === 'qcow2') {
    assertAlone(path, start, size);
    return 'qcow2';
  }
  refuseOthers(path, start, kind);
  return 'raw';
}

async function readEnds(path: string) {
  await using file = await openRegular(path);
  const { size } = await file.stat();
  const start = await readAt(file, 0, Math.min(size, Math.max(longestMark, qcow2Start)));
  return { size, start, tail: await readAt(file, Math.max(0, size - tailSize), size) };
}

/**
 * QEMU would open each file that a qcow2 disk names: one with `/etc/shadow` behind it would show that to the guest, which prints
 * what it reads.
 */
function assertAlone(path: string, start: Uint8Array, size: number): void {
  const file = quoteFile(path);
  const header = parseQcow2(start);
  const flatten = `if you trust it: qemu-img convert -O qcow2 ${file} whole.qcow2`;
  const check = `get it anew, or: qemu-img check ${file}`;
  if (header === undefined) throw createUnfitError(path, 'a qcow2 disk whose header is damaged', check);
  const { backing, hasDataFile, isEncrypted, isCorrupt, unknown, tableEnd } = header;
  if (backing !== undefined)
    throw createUnfitError(
      path,
      `a qcow2 disk that is based on another file (${backing || 'unnamed'})`,
      flatten,
    );
  if (hasDataFile) throw createUnfitError(path, 'a qcow2 disk whose data is in another file', flatten);
  if (isEncrypted) throw createUnfitError(path, 'an encrypted qcow2 disk', 'convert it to one that is not');
  if (isCorrupt) throw createUnfitError(path, 'a qcow2 disk that is marked as damaged', check);
  if (unknown.length > 0)
    throw createUnfitError(path, `a qcow2 disk with unknown features (bit ${unknown.join(', ')})`, flatten);
  if (header.size === 0) throw createUnfitError(path, 'a qcow2 disk of no size', check);
  if (tableEnd > size) throw createUnfitError(path, 'a qcow2 disk that is cut off', check);
}

function refuseOthers(path: string, start: Uint8Array, kind: ReturnType<typeof identifyFile>): void {
  const file = quoteFile(path);
  const begin = Buffer.from(start.subarray(0, 6)).toString('hex');
  const packed = kind === undefined ? compressed.find(([magic]) => begin.startsWith(magic)) : undefined;
  if (packed !== undefined)
    throw createUnfitError(path, packed[1], `if a disk is in it: ${packed[2]} ${file}`);
  // In hexadecimal: 07070, as an archive of cpio begins.
  if (begin.startsWith('3037303730')) throw createUnfitError(path, 'an initrd', 'it is the image: -i FILE');
  if (kind === undefined) return;
  if (otherFormats.has(kind.id))
    throw createUnfitError(path, kind.name, `qemu-img convert -O qcow2 ${file} disk.qcow2`);
  if (noDisks.has(kind.id)) throw createUnfitError(path, kind.name, 'name the file with the disk in it');
}

function createUnfitError(path: string, found: string, hint: string): MobyPatchError {
  const message = `found ${found}, wanted a disk in a file of its own, raw or qcow2`;
  return new MobyPatchError('invalid', 'disk-unfit', message, { path, hint });
}
