import { crc32 } from 'node:zlib';
import { parseGzipHeader } from '../../format/codec/gzip-header.js';
import type { InputFile } from '../../io/file/input-file.js';
import { giveSlab, slabSize, takeSlab } from '../../io/file/slabs.js';
import type { MemberRange } from '../../model/image/layout.js';
import type { MemberEnd } from '../codec.js';
import { inflateAside } from './inflate-aside.js';

/** Members under way beside the one that is read: for two cores, and one more being read from the disk. */
const depth = 3;
/** Bytes, unpacked: a larger member is read as it comes. */
const longest = 8 * 2 ** 20;
const trailerSize = 8;

interface WholeMember {
  /** In a buffer of its own, which may be used again. */
  readonly bytes: Uint8Array;
  readonly end: MemberEnd;
}

/** Gzip members that are unpacked in other threads while those before them are read. */
export interface MembersAhead {
  /**
   * The member that begins at `offset`, whole and checked; undefined for one that is not among them, or that is not
   * what it was said to be: such a member must be read like any other.
   */
  read(offset: number): Promise<WholeMember | undefined>;
}

/** `members` are only an aid: a wrong one costs time and nothing else. `onRead` gets the bytes of each that is read, during the call. */
export function createMembersAhead(
  file: InputFile,
  members: readonly MemberRange[],
  onRead: (offset: number, member: Uint8Array) => void = () => {},
): MembersAhead {
  const indexes = new Map(members.map(({ offset }, index) => [offset, index]));
  const pending = new Map<number, Promise<WholeMember | undefined>>();
  async function start(range: MemberRange | undefined): Promise<WholeMember | undefined> {
    if (range === undefined) return undefined;
    const { offset, end } = range;
    const size = end - offset;
    if (size > longest) return undefined;
    // In the order of the file, which the hash of all of it needs.
    const buffer = takeBuffer(size);
    try {
      const member = buffer.subarray(0, size);
      if (file.fill(member, offset) < size) return undefined;
      onRead(offset, member);
      return await unpackMember(member, end);
    } finally {
      giveSlab(buffer.buffer as ArrayBuffer);
    }
  }

  return {
    async read(offset) {
      const index = indexes.get(offset);
      if (index === undefined) return undefined;
      for (let next = index; next < index + depth; next += 1) {
        if (!pending.has(next))
          pending.set(
            next,
            start(members[next]).catch(() => undefined),
          );
      }
      const member = await pending.get(index);
      for (const old of pending.keys()) if (old <= index) pending.delete(old);
      return member;
    },
  };
}

async function unpackMember(member: Uint8Array, end: number): Promise<WholeMember | undefined> {
  const header = parseGzipHeader(member);
  if (typeof header === 'string' || member.length < header.size + trailerSize) return undefined;
  const trailer = new DataView(member.buffer, member.byteOffset + member.length - trailerSize, trailerSize);
  const size = trailer.getUint32(4, true);
  if (size > longest) return undefined;
  const body = member.subarray(header.size, member.length - trailerSize);
  // A byte to spare tells that the stream has ended.
  const bytes = await inflateAside(body, takeBuffer(size + 1).subarray(0, size + 1));
  if (bytes.length !== size || crc32(bytes) !== trailer.getUint32(0, true)) return undefined;
  return { bytes, end: { end, level: header.level } };
}

/** Of this size or more. Most members are nearly as large as a slab; a view of a small one must not keep all of it. */
function takeBuffer(size: number): Uint8Array {
  return size > slabSize / 2 && size <= slabSize ? takeSlab() : new Uint8Array(size);
}
