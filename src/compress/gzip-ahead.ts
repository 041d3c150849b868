import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { parseGzipHeader } from '../format/gzip-header.js';
import type { InputFile } from '../io/input-file.js';
import type { Bytes } from '../model/entry.js';
import type { MemberEnd } from './codec.js';

const inflate = promisify(inflateRaw);

/** Members under way beside the one that is read: for two cores, and one more being read from the disk. */
const depth = 3;
/** Bytes, unpacked: more are not held. */
const longest = 8 * 2 ** 20;
const trailerSize = 8;

interface WholeMember {
  readonly bytes: Uint8Array;
  readonly end: MemberEnd;
}

/** The stream; where a piece of it begins like a gzip member, `starts` gets the place. */
export async function* noteMembers(source: Bytes, starts: number[]): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for await (const piece of source) {
    if (piece[0] === 0x1f && piece[1] === 0x8b) starts.push(at);
    at += piece.length;
    yield piece;
  }
}

/** Gzip members that are unpacked in other threads while those before them are read. */
export interface MembersAhead {
  /**
   * The member that begins there, whole and checked; undefined for one that is not among them, or that is not
   * what it was said to be: then it is to be read as any other.
   */
  take(offset: number): Promise<WholeMember | undefined>;
}

/**
 * `starts`: where members begin. Only an aid: a wrong place costs time and nothing else. `onRead` gets the bytes of
 * each member that is read.
 */
export function createMembersAhead(
  file: InputFile,
  starts: readonly number[],
  onRead: (offset: number, member: Uint8Array) => void = () => {},
): MembersAhead {
  const indexes = new Map(starts.map((offset, index) => [offset, index]));
  const pending = new Map<number, Promise<WholeMember | undefined>>();
  // One after the other: the hash of the whole file needs its bytes in order.
  let reading: Promise<unknown> = Promise.resolve();

  async function start(index: number): Promise<WholeMember | undefined> {
    const [offset, end] = [starts[index], starts[index + 1]];
    if (offset === undefined || end === undefined || end - offset > longest) return undefined;
    const read = reading.then(() => file.read(offset, end));
    reading = read.catch(() => {});
    const member = await read;
    if (member.length < end - offset) return undefined;
    onRead(offset, member);
    return unpackMember(member, end);
  }

  return {
    async take(offset) {
      const index = indexes.get(offset);
      if (index === undefined) return undefined;
      for (let next = index; next < index + depth; next += 1) {
        if (!pending.has(next))
          pending.set(
            next,
            start(next).catch(() => undefined),
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
