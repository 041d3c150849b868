import { type Mark, text } from '../mark.js';

const copyIn = (file: string) =>
  `mkdir root && cpio -idm -D root < ${file} && moby-patch repack root -o initrd.img`;

/** What servers send in place of the file. */
const pages: readonly Mark[] = [
  {
    id: 'html',
    name: 'a web page (HTML)',
    at: 0,
    bytes: [],
    isKind: (start) =>
      /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)\b/i.test(toLatin(start.subarray(0, 512))),
    help: () => 'download the file itself: curl -fLO URL',
  },
  {
    id: 'xml',
    name: 'an XML document, as a server sends in place of a file',
    at: 0,
    bytes: text('<?xml '),
    help: () => 'download the file itself: curl -fLO URL',
  },
  {
    id: 'git-lfs',
    name: 'a pointer of Git LFS to a file elsewhere',
    at: 0,
    bytes: text('version https://git-lfs'),
    help: () => 'git lfs pull, in the repository that it is from',
  },
];

/** Archives, packages, and formats of compression that a kernel does not read. */
export const archiveMarks: readonly Mark[] = [
  ...pages,
  {
    id: '7z',
    name: 'a 7z archive',
    at: 0,
    bytes: [...text('7z'), 0xbc, 0xaf, 0x27, 0x1c],
    help: (file) => `7z x -oparts ${file}, then give the initrd in parts (Debian: p7zip-full)`,
  },
  {
    id: 'tar',
    name: 'a tar archive',
    at: 257,
    bytes: text('ustar'),
    help: (file) => `moby-patch repack ${file} -o initrd.img`,
  },
  {
    id: 'tar',
    name: 'a tar archive (of the format before POSIX)',
    at: 257,
    bytes: [0],
    isKind: hasTarSum,
    help: (file) => `moby-patch repack ${file} -o initrd.img`,
  },
  {
    id: 'zip',
    name: 'a zip archive',
    at: 0,
    bytes: [...text('PK'), 3, 4],
    help: (file) => `unzip -d parts ${file}, then give the initrd in parts`,
  },
  { id: 'zip', name: 'an empty zip archive', at: 0, bytes: [...text('PK'), 5, 6], help: () => 'get it anew' },
  {
    id: 'rar',
    name: 'a RAR archive',
    at: 0,
    bytes: [...text('Rar!'), 0x1a, 7],
    help: (file) => `unar -o parts ${file}, then give the initrd in parts (Debian: unar)`,
  },
  {
    id: 'cab',
    name: 'a cabinet of Windows (CAB)',
    at: 0,
    bytes: [...text('MSCF'), 0, 0, 0, 0],
    help: (file) => `cabextract -d parts ${file}, then give the initrd in parts (Debian: cabextract)`,
  },
  {
    id: 'wim',
    name: 'an image of Windows (WIM)',
    at: 0,
    bytes: [...text('MSWIM'), 0, 0, 0],
    help: () => 'Windows boots without an initrd: give that of a Linux',
  },
  {
    id: 'rpm',
    name: 'an RPM package',
    at: 0,
    bytes: [0xed, 0xab, 0xee, 0xdb],
    help: (file) => `mkdir parts && rpm2cpio ${file} | cpio -idm -D parts, then give the initrd in parts`,
  },
  {
    id: 'deb',
    name: 'a Debian package',
    at: 0,
    bytes: text('!<arch>\ndebian-binary'),
    help: (file) => `dpkg-deb -x ${file} parts, then give the initrd in parts`,
  },
  {
    id: 'ar',
    name: 'an ar archive',
    at: 0,
    bytes: text('!<arch>\n'),
    help: (file) =>
      `mkdir parts && ar x --output parts ${file}, then give the initrd in parts (Debian: binutils)`,
  },
  {
    id: 'cpio-odc',
    name: 'a cpio archive of the old portable format (070707)',
    at: 0,
    bytes: text('070707'),
    help: copyIn,
  },
  {
    id: 'cpio-binary',
    name: 'a cpio archive of the old binary format',
    at: 0,
    bytes: [0xc7, 0x71],
    help: copyIn,
  },
  {
    id: 'cpio-binary',
    name: 'a cpio archive of the old binary format',
    at: 0,
    bytes: [0x71, 0xc7],
    help: copyIn,
  },
  {
    id: 'lz4-frame',
    name: 'an lz4 frame of the usual format (a kernel reads the legacy one)',
    at: 0,
    bytes: [0x04, 0x22, 0x4d, 0x18],
    help: (file) => `lz4 -dc ${file} | lz4 -lc > initrd.img`,
  },
  {
    id: 'zstd-skippable',
    name: 'zstd with a skippable frame first (pzstd), which a kernel does not skip',
    at: 0,
    bytes: [undefined, 0x2a, 0x4d, 0x18],
    isKind: (start) => ((start[0] ?? 0) & 0xf0) === 0x50,
    help: (file) => `zstd -dc ${file} | zstd > initrd.img`,
  },
  {
    id: 'lzip',
    name: 'an lzip file, which no kernel reads',
    at: 0,
    bytes: text('LZIP'),
    help: (file) => `lzip -dc ${file} | xz --check=crc32 > initrd.img (Debian: lzip)`,
  },
  {
    id: 'compress',
    name: 'a file of compress (.Z), which no kernel reads',
    at: 0,
    bytes: [0x1f, 0x9d],
    help: (file) => `gzip -dc < ${file} | gzip -n > initrd.img`,
  },
];

const toLatin = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** The only mark of a tar without `ustar`: the sum of its first header, in octal, counted with spaces in its own place. */
function hasTarSum(start: Uint8Array): boolean {
  const header = start.subarray(0, 512);
  if (header.length < 512 || header[0] === 0) return false;
  const [, digits] = /^ *([0-7]{1,7})[\0 ]/.exec(toLatin(header.subarray(148, 156))) ?? [];
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return digits !== undefined && Number.parseInt(digits, 8) === sum;
}
