import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { parseGzipHeader } from '../../format/codec/gzip-header.js';
import type { InputFile } from '../../io/file/input-file.js';
import type { MemberRange } from '../../model/image/layout.js';
import type { MemberEnd } from '../codec.js';

const inflate = promisify(inflateRaw);

/** Members under way beside the one that is read: for two cores, and one more being read from the disk. */
const depth = 3;
/** Bytes, unpacked: a larger member is read as it comes. */
const longest = 8 * 2 ** 20;
const trailerSize = 8;

interface WholeMember {
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

/** `members` are only an aid: a wrong one costs time and nothing else. `onRead` gets the bytes of each that is read. */
export function createMembersAhead(
  file: InputFile,
  members: readonly MemberRange[],
  onRead: (offset: number, member: Uint8Array) => void = () => {},
): MembersAhead {
  const indexes = new Map(members.map(({ offset }, index) => [offset, index]));
  const pending = new Map<number, Promise<WholeMember | undefined>>();
  // One after the other: the hash of the whole file needs its bytes in order.
  let reading: Promise<unknown> = Promise.resolve();

  async function start(range: MemberRange | undefined): Promise<WholeMember | undefined> {
    if (range === undefined) return undefined;
    const { offset, end } = range;
    if (end - offset > longest) return undefined;
    const read = reading.then(() => file.read(offset, end));
    reading = read.catch(() => {});
    const member = await read;
    if (member.length < end - offset) return undefined;
    onRead(offset, member);
    return unpackMember(member, end);
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
  // With a byte to spare there is one call, and one buffer.
  const bytes = await inflate(body, { chunkSize: Math.max(64, size + 1), maxOutputLength: size + 1 });
  if (bytes.length !== size || crc32(bytes) !== trailer.getUint32(0, true)) return undefined;
  return { bytes, end: { end, level: header.level } };
}
