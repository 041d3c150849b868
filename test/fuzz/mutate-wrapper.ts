import { crc32 } from 'node:zlib';
import type { Random } from './mutate.js';

const numbers = [0, 1, 2, 7, 0x7f, 0xff, 0x100, 0x800, 0xfff, 0x1000, 0xffff, 0x10000, 0x7fffffff];
const large = [0x80000000, 0xfffff000, 0xfffffffe, 0xffffffff];
const names = ['..', '.', '../x', '/etc/x', '/', '\0', '-x', '--', 'a/b', '\n', '\ud83d', '#'];
/** Longer runs of one byte are contents, or nothing at all. */
const longestRun = 12;

const known = new WeakMap<Buffer, readonly number[]>();

/** Where bytes mean something. */
function listPlaces(bytes: Buffer): readonly number[] {
  const found = known.get(bytes);
  if (found !== undefined) return found;
  const places: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at + 1;
    while (end < bytes.length && bytes[end] === bytes[at]) end += 1;
    if (bytes[at] !== 0 && end - at < longestRun) for (; at < end; at += 1) places.push(at);
    at = end;
  }
  known.set(bytes, places);
  return places;
}

type Change = (bytes: Buffer, at: number, random: Random) => void;

const writers: readonly Change[] = [
  (bytes, at, random) => bytes.writeUInt32LE(chooseNumber(bytes, random), at),
  (bytes, at, random) => bytes.writeUInt32BE(chooseNumber(bytes, random), at),
  (bytes, at, random) => bytes.writeUInt16LE(chooseNumber(bytes, random) & 0xffff, at),
  (bytes, at, random) => bytes.writeBigUInt64LE(BigInt(chooseNumber(bytes, random)), at),
  (bytes, at, random) => bytes.writeBigUInt64BE(BigInt(chooseNumber(bytes, random)), at),
  // A number a little larger or smaller: what was right is no longer.
  (bytes, at, random) => bytes.writeUInt32LE((bytes.readUInt32LE(at) + random.below(65) - 32) >>> 0, at),
  (bytes, at, random) => bytes.writeUInt32BE((bytes.readUInt32BE(at) + random.below(65) - 32) >>> 0, at),
];

const changes: readonly Change[] = [
  (bytes, at, random) => {
    bytes[at] = random.pick([0xff, 0, random.below(256)]);
  },
  (bytes, at, random) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  },
  (bytes, at, random) => {
    if (at + 8 <= bytes.length) random.pick(writers)(bytes, at, random);
  },
  // Another structure, or the same one twice.
  (bytes, at, random) => {
    const from = random.pick(listPlaces(bytes)) ?? 0;
    bytes.copy(bytes, at, from, from + random.pick([4, 16, 32, 64, 128]));
  },
  (bytes, at, random) => {
    bytes.write(random.pick(names), at, 'utf8');
  },
];

function chooseNumber({ length }: Buffer, random: Random): number {
  const near = [length, length - 1, length + 1, Math.floor(length / 2048), Math.floor(length / 4096)];
  return random.pick([...numbers, ...large, ...near, random.below(length)]);
}

/** Sums that are right again, mostly: what is wrong behind them is then looked at. */
function mendSums(bytes: Buffer, random: Random): Buffer {
  if (random.below(8) === 0) return bytes;
  if (bytes.length >= 64 && bytes.readUInt32BE(0) === 0x27051956) {
    bytes.writeUInt32BE(0, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 64)), 4);
  }
  // The superblock of an erofs says whether it has one.
  if (bytes.length > 1100 && bytes.readUInt32LE(1024) === 0xe0f5e1e2) bytes[1024 + 8] = 0;
  return bytes;
}

/** One to five changes near bytes that mean something, half of them in the first page of them; sometimes the end is missing. */
export function mutateWrapper(seed: Buffer, random: Random): Buffer {
  const places = listPlaces(seed);
  const bytes = Buffer.from(seed);
  const early = Math.min(places.length, 600);
  for (let left = 1 + random.below(5); left > 0; left -= 1) {
    const near = places[random.below(random.pick([early, places.length]))] ?? 0;
    const at = Math.min(Math.max(0, near + random.below(8) - 3), bytes.length - 1);
    random.pick(changes)(bytes, at, random);
  }
  mendSums(bytes, random);
  if (random.below(12) === 0) return bytes.subarray(0, random.below(bytes.length));
  return random.below(24) === 0 ? Buffer.concat([bytes, Buffer.alloc(random.below(9000), 1)]) : bytes;
}
