import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { noBytes } from '#src/io/no-bytes.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Bytes } from '#src/model/image/entry.js';
import { findWrapper } from '#src/wrapper/open-wrapper.js';
import { readErofs } from '#src/wrapper/root/erofs/read-erofs.js';
import { writeErofs } from '#src/wrapper/root/erofs/write-erofs.js';
import type { RootEntry } from '#src/wrapper/root/root-tree.js';
import { createTestFolder } from '../fixtures/archive.js';
import {
  holdFile,
  signAndroid,
  sketchAndroid,
  sketchFit,
  sketchIso,
  sketchKernel,
  sketchProgram,
  sketchUimage,
  sketchVendorBoot,
} from './sketches.js';

const rounds = Number(process.env.FUZZ_ROUNDS ?? 250_000);

/** xorshift32: the same numbers on every machine. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const whole: Readonly<Record<string, Buffer>> = {
  iso: sketchIso({
    'isolinux/isolinux.cfg': 'label a\nkernel /boot/k\ninitrd /boot/i\n',
    'boot/k': 'kernel',
    'boot/i': 'initrd',
  }),
  uki: sketchProgram(
    [
      { name: '.linux', address: 0x10000, content: 'kernel' },
      { name: '.initrd', address: 0x20000, content: 'initrd' },
    ],
    'symbols',
  ),
  uimage: sketchUimage(Buffer.from('initrd')),
  fit: sketchFit('initrd'),
  'fit with its data outside': sketchFit('initrd', true),
  android: sketchAndroid(),
  'signed android': signAndroid(sketchAndroid()),
  'vendor boot': sketchVendorBoot(['first', 'second']),
  kernel: sketchKernel(Buffer.from(`070701${'0'.repeat(600)}`)),
  squashfs: Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(200, 1)]),
};

/** Some bytes near those that mean something are others; sometimes the end is missing. */
function damage(bytes: Buffer, places: readonly number[], random: (below: number) => number): Buffer {
  const damaged = Buffer.from(bytes);
  for (let count = 1 + random(4); count > 0; count--) {
    const near = (places[random(places.length)] ?? 0) + random(8) - 3;
    damaged[Math.max(0, near) % damaged.length] = random(3) === 0 ? 0xff : random(256);
  }
  return random(10) === 0 ? damaged.subarray(0, random(damaged.length)) : damaged;
}

/** What is wrong with how a file was read; undefined: nothing. */
async function examine(bytes: Buffer): Promise<string | undefined> {
  try {
    const found = await findWrapper(holdFile(bytes));
    const parts = [...(found?.parts.values() ?? [])];
    const isOutside = parts.some(
      ({ offset, size }) => offset < 0 || size < 0 || offset + size > bytes.length,
    );
    return isOutside ? 'a part outside of the file' : undefined;
  } catch (error) {
    return error instanceof MobyPatchError ? undefined : String(error);
  }
}

for (const [kind, bytes] of Object.entries(whole))
  test(`a damaged ${kind} is read or refused, never a defect: ${rounds} of them`, async (t) => {
    const random = createRandom(0x4d0b1);
    const places = [...bytes.keys()].filter((place) => bytes[place] !== 0);
    for (let round = 0; round < rounds; round++) {
      const fault = await examine(damage(bytes, places, random));
      if (fault !== undefined) return t.fail(`round ${round}: ${fault}`);
    }
    t.pass();
  });

const texts = Buffer.from('some words that come again, '.repeat(1000));
const plain = { mode: 0o644, uid: 0, gid: 0, mtime: 1, nanoseconds: 0, attributes: new Map() };
const entries: readonly RootEntry[] = [
  { ...plain, path: '', type: 'directory', size: 0, body: noBytes },
  {
    ...plain,
    path: 'a',
    type: 'file',
    size: 3,
    body: () => hold(Buffer.from('abc')),
    attributes: new Map([['user.a', Buffer.from('b')]]),
  },
  { ...plain, path: 'l', type: 'symlink', target: 'a', size: 1, body: noBytes },
  { ...plain, path: 't', type: 'file', size: texts.length, body: () => hold(texts) },
];

async function* hold(bytes: Uint8Array): Bytes {
  yield bytes;
}

/** Everything of it is read; undefined: nothing is wrong with how it was read. */
async function examineErofs(bytes: Buffer): Promise<string | undefined> {
  try {
    let size = 0;
    const limits = { anyway: 2 ** 20, ratio: 1, records: 1000 };
    for (const entry of (await readErofs(holdFile(bytes), limits)).entries)
      for await (const piece of entry.body()) size += piece.length;
    return size > 2 ** 20 ? 'more bytes than it may have' : undefined;
  } catch (error) {
    return error instanceof MobyPatchError ? undefined : String(error);
  }
}

for (const isCompressed of [false, true])
  test(`a damaged erofs (${isCompressed ? 'compressed' : 'plain'}) is read or refused, never a defect: ${rounds} of them`, async (t) => {
    const folder = await createTestFolder(t);
    const destination = join(folder, 'v.erofs');
    const bodies = async function* () {
      for (const entry of entries) if (entry.type === 'file') yield [entry, entry.body()] as const;
    };
    const superblock = { time: 1, nanoseconds: 0, uuid: Buffer.alloc(16), volume: Buffer.alloc(16) };
    const { signal } = new AbortController();
    await writeErofs({ entries, bodies, superblock, isCompressed, destination, folder, signal });
    const bytes = await readFile(destination);
    const random = createRandom(0x4d0b1);
    const places = [...bytes.keys()].filter(
      (place) => bytes[place] !== 0 && (place < 1200 || bytes[place] !== 0x20),
    );
    for (let round = 0; round < rounds; round++) {
      const fault = await examineErofs(damage(bytes, places, random));
      if (fault !== undefined) return t.fail(`round ${round}: ${fault}`);
    }
    t.pass();
  });
