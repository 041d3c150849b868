import { decodeDevice } from '../../../format/device.js';
import { decodePath } from '../../../format/path.js';
import type { Device, EntryType } from '../../../model/image/entry.js';

/** One path of the root that a guest runs, as the kernel has unpacked it. */
export interface AttestedPath {
  /** Counted from 0: a gap is a line that was lost. */
  readonly number: number;
  readonly path: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** The same number for all names of one file. */
  readonly inode: number;
  readonly device: Device;
  /** Hex SHA-256; absent where it is no regular file, or one that cannot be read. */
  readonly sha256?: string | undefined;
  readonly target?: string | undefined;
}

const types: Readonly<Record<string, EntryType>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  s: 'socket',
};

/** The words behind `attest` in a line of attester.c; undefined for what is torn. */
export function parseAttested(text: string): AttestedPath | undefined {
  const words = text.split(' ');
  const [letter = '', mode = '', sha256 = '', path = '', target = ''] = [1, 2, 9, 10, 11].map(
    (at) => words[at] ?? '',
  );
  const [number = 0, uid = 0, gid = 0, size = 0, inode = 0, , device = 0] = [0, 3, 4, 5, 6, 7, 8].map((at) =>
    Number(words[at]),
  );
  const type = types[letter];
  if (words.length !== 12 || type === undefined || !/^([0-9a-f]{64}|-)$/.test(sha256)) return undefined;
  if (![number, uid, gid, size, inode, device].every((each) => Number.isSafeInteger(each))) return undefined;
  return {
    number,
    path: path === '.' ? '' : decodeName(path),
    type,
    mode: Number.parseInt(mode, 8),
    uid,
    gid,
    size,
    inode,
    device: decodeDevice(device),
    ...(sha256 !== '-' && { sha256 }),
    ...(type === 'symlink' && { target: decodeName(target) }),
  };
}

/** %XX is a byte. */
function decodeName(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replace(/%([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return decodePath(Buffer.from(bytes, 'latin1'));
}
