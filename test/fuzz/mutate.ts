/** Numbers that are the same at every run for the same seed (mulberry32). */
export interface Random {
  /** A whole number from 0 to `limit - 1`; 0 for a limit of 0. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
}

export function createRandom(...seeds: readonly number[]): Random {
  let state = seeds.reduce((sum, seed) => Math.imul(sum ^ seed, 0x9e3779b1) ^ (sum >>> 15), 0x2545f491);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => (limit === 0 ? 0 : next() % limit);
  return { below, pick: (choices) => choices[below(choices.length)] as (typeof choices)[number] };
}

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const numbers = [
  0, 1, 2, 3, 0x6e, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xfffffffe,
  0xffffffff,
];
const names = [
  '.',
  '..',
  '../x',
  '../../x',
  '/',
  '//',
  '/etc/x',
  './',
  'a/',
  'a/..',
  'a/../..',
  'a//b',
  '',
  '\0',
  'TRAILER!!!',
  'dev',
  'dev/console',
  'init',
];
const magics = [
  '070701',
  '070702',
  '070707',
  '0',
  '\x1f\x8b\x08\x00',
  'BZh9',
  '\x5d\0\0\x80\0',
  '\xfd7zXZ\0',
  '\x89LZO\0\r\n\x1a\n',
  '\x02\x21\x4c\x18',
  '\x28\xb5\x2f\xfd',
  'TRAILER!!!',
  'ustar\x0000',
];
const typeDigits = ['4', '8', 'A', '2', '6', '1', 'C', '0', '9'];

/** A place that matters: mostly anywhere, often near a start. */
const place = (bytes: Buffer, random: Random) =>
  random.below(random.pick([bytes.length, bytes.length, 64, 512]) || 1) % (bytes.length || 1);
const cut = (bytes: Buffer, random: Random, longest = 4096): readonly [number, number] => {
  const start = place(bytes, random);
  return [start, Math.min(bytes.length, start + 1 + random.below(longest))];
};

const flipBit: Mutation = (bytes, random) => {
  const at = place(bytes, random);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};
const setByte: Mutation = (bytes, random) => {
  bytes[place(bytes, random)] = random.pick([0, 0x30, 0x2f, 0x2e, 0xff, random.below(256)]);
  return bytes;
};
const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));
const splice: Mutation = (bytes, random, other) => {
  const [start, end] = cut(other, random, 65_536);
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), other.subarray(start, end), bytes.subarray(at)]);
};
const remove: Mutation = (bytes, random) => {
  const [start, end] = cut(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};
const repeat: Mutation = (bytes, random) => {
  const [start, end] = cut(bytes, random);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
};
const insertZeros: Mutation = (bytes, random) => {
  const at = place(bytes, random);
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.alloc(random.pick([1, 2, 3, 4, 512])),
    bytes.subarray(at),
  ]);
};
const lie: Mutation = (bytes, random) => {
  if (bytes.length < 4) return bytes;
  const at = Math.min(place(bytes, random), bytes.length - 4);
  const number = random.pick(numbers);
  if (random.below(2) === 0) bytes.writeUInt32LE(number, at);
  else bytes.writeUInt32BE(number, at);
  return bytes;
};
const swapMagic: Mutation = (bytes, random) => {
  const at = random.below(2) === 0 ? 0 : place(bytes, random);
  bytes.write(random.pick(magics), at, 'latin1');
  return bytes;
};

/** The start of a newc header somewhere in the bytes. */
function findHeader(bytes: Buffer, random: Random): number {
  const found = bytes.indexOf('070701', place(bytes, random));
  return found >= 0 ? found : bytes.indexOf('070701');
}
const setField: Mutation = (bytes, random) => {
  const at = findHeader(bytes, random);
  if (at < 0 || at + 110 > bytes.length) return bytes;
  const value = random.below(4) === 0 ? random.below(0x200) : random.pick(numbers);
  bytes.write(value.toString(16).padStart(8, '0'), at + 6 + 8 * random.below(13), 'latin1');
  return bytes;
};
const setType: Mutation = (bytes, random) => {
  const at = findHeader(bytes, random);
  if (at >= 0 && at + 110 <= bytes.length) bytes.write(random.pick(typeDigits), at + 6 + 8 + 4, 'latin1');
  return bytes;
};
const setLink: Mutation = (bytes, random) => {
  const at = findHeader(bytes, random);
  if (at < 0 || at + 110 > bytes.length) return bytes;
  bytes.write('00000001', at + 6, 'latin1');
  bytes.write('00000002', at + 6 + 8 * 4, 'latin1');
  return bytes;
};
/** The name, in its old length: what does not fit is cut. */
const setName: Mutation = (bytes, random) => {
  const at = findHeader(bytes, random);
  if (at < 0 || at + 110 > bytes.length) return bytes;
  const size = Number.parseInt(bytes.toString('latin1', at + 94, at + 102), 16);
  const end = Math.min(bytes.length, at + 110 + (size >= 0 && size <= 8192 ? size : 1));
  bytes.fill(0, at + 110, end);
  bytes.write(random.pick(names).slice(0, Math.max(0, end - at - 111)), at + 110, 'latin1');
  return bytes;
};

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  truncate,
  splice,
  remove,
  repeat,
  insertZeros,
  lie,
  lie,
  swapMagic,
  setField,
  setField,
  setField,
  setType,
  setLink,
  setName,
  setName,
];

/** One to six changes of a copy; never more than twice the size and 128 KiB. */
export function mutate(seed: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let left = 1 + random.below(6); left > 0; left -= 1)
    bytes = random.pick(mutations)(bytes, random, random.pick(others));
  return bytes.subarray(0, 2 * seed.length + 131_072);
}
