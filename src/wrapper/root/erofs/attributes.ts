import { alignUp } from '../../align-up.js';

/** The prefix of a name, by `e_name_index`. */
const prefixes: ReadonlyMap<number, string> = new Map([
  [1, 'user.'],
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [4, 'trusted.'],
  [6, 'security.'],
]);

const headerSize = 12;
const entrySize = 4;

/** The attributes of an inode: the ids of shared ones, and its own as bytes. */
export interface AttributePlaces {
  readonly shared: readonly number[];
  readonly own: Buffer;
}

export function parseAttributePlaces(bytes: Buffer): AttributePlaces | undefined {
  if (bytes.length < headerSize) return undefined;
  const count = bytes[4] ?? 0;
  const end = headerSize + 4 * count;
  if (end > bytes.length) return undefined;
  const shared = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(headerSize + 4 * index));
  return { shared, own: bytes.subarray(end) };
}

export interface Attribute {
  readonly name: string;
  readonly value: Uint8Array;
  /** Bytes that it takes, with padding. */
  readonly size: number;
}

/** `name` is undefined where the prefix is in the table of long prefixes. */
export function parseAttribute(
  bytes: Buffer,
): (Omit<Attribute, 'name'> & { readonly name?: string }) | undefined {
  if (bytes.length < entrySize) return undefined;
  const nameSize = bytes[0] ?? 0;
  const index = bytes[1] ?? 0;
  const valueSize = bytes.readUInt16LE(2);
  const end = entrySize + nameSize + valueSize;
  if (end > bytes.length) return undefined;
  const prefix = prefixes.get(index);
  const name = bytes.toString('latin1', entrySize, entrySize + nameSize);
  const size = alignUp(end, 4);
  const value = Buffer.from(bytes.subarray(entrySize + nameSize, end));
  return prefix === undefined ? { value, size } : { name: prefix + name, value, size };
}

/** The largest possible entry in bytes. */
export const longestAttribute = entrySize + 255 + 65535;

/**
 * Encodes attributes as the own bytes of an inode; empty without any. Undefined: the format has no place for a name or a size.
 */
export function encodeAttributes(attributes: ReadonlyMap<string, Uint8Array>): Buffer | undefined {
  if (attributes.size === 0) return Buffer.alloc(0);
  const pieces = [Buffer.alloc(headerSize)];
  for (const [name, value] of [...attributes].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const found = [...prefixes].find(([, prefix]) => name.startsWith(prefix));
    const rest = found && Buffer.from(name.slice(found[1].length), 'latin1');
    if (found === undefined || rest === undefined || rest.length > 255 || value.length > 65535)
      return undefined;
    const size = entrySize + rest.length + value.length;
    const entry = Buffer.alloc(alignUp(size, 4));
    entry[0] = rest.length;
    entry[1] = found[0];
    entry.writeUInt16LE(value.length, 2);
    rest.copy(entry, entrySize);
    entry.set(value, entrySize + rest.length);
    pieces.push(entry);
  }
  const bytes = Buffer.concat(pieces);
  return bytes.length > headerSize + 4 * 65534 ? undefined : bytes;
}

/** `i_xattr_icount` for attributes of this size in bytes. */
export function countAttributes(size: number): number {
  return size === 0 ? 0 : (size - headerSize) / 4 + 1;
}
