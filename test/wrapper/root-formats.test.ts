import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openInputFile } from '#src/io/file/input-file.js';
import type { Bytes } from '#src/model/image/entry.js';
import { archiveRoot } from '#src/wrapper/root/archive-root.js';
import { encodeExtents } from '#src/wrapper/root/erofs/extents.js';
import { packBlock } from '#src/wrapper/root/erofs/pack-block.js';
import { readErofs, readSuperblock } from '#src/wrapper/root/erofs/read-erofs.js';
import type { Superblock } from '#src/wrapper/root/erofs/superblock.js';
import { type ErofsRequest, writeErofs } from '#src/wrapper/root/erofs/write-erofs.js';
import { unpackBlock } from '#src/wrapper/root/lz4-block.js';
import type { RootEntry } from '#src/wrapper/root/root-tree.js';
import { mendTables } from '#src/wrapper/root/squashfs/mend-tables.js';
import { parseSuperblock } from '#src/wrapper/root/squashfs/superblock.js';
import { createTestFolder } from '../fixtures/archive.js';
import { holdFile } from './sketches.js';

const { signal } = new AbortController();

function entry(path: string, fields: Partial<RootEntry> & { readonly content?: Uint8Array } = {}): RootEntry {
  const { content = new Uint8Array(), ...rest } = fields;
  const plain = {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 1,
    nanoseconds: 0,
    attributes: new Map(),
  } as const;
  return {
    ...plain,
    ...rest,
    path,
    size: rest.target === undefined ? content.length : Buffer.byteLength(rest.target),
    async *body(): Bytes {
      if (content.length > 0) yield content;
    },
  };
}

/** Numbers that do not repeat, so that nothing can be made shorter. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

const text = Buffer.from(Array.from({ length: 9000 }, (_, line) => `${line} of many lines\n`).join(''));
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const tree = [
  entry('', {
    type: 'directory',
    mode: 0o1755,
    mtime: 1000,
    nanoseconds: 5,
    attributes: new Map([['trusted.x', Buffer.from('y')]]),
  }),
  entry('bin', { type: 'directory', mode: 0o755 }),
  entry('bin/ping', {
    mode: 0o4755,
    content: text,
    attributes: new Map([
      ['security.capability', capability],
      ['user.a', Buffer.alloc(0)],
    ]),
  }),
  entry('bin/setgid', { mode: 0o2755, uid: 70000, gid: 80000, content: noise(100_000) }),
  entry('dev', { type: 'directory', mode: 0o555 }),
  entry('dev/console', { type: 'character', mode: 0o600, device: { major: 5, minor: 1 } }),
  entry('dev/disk', { type: 'block', mode: 0o660, device: { major: 259, minor: 70000 } }),
  entry('dev/pipe', { type: 'fifo' }),
  entry('dev/socket', { type: 'socket' }),
  entry('empty', { mode: 0 }),
  entry('link', { type: 'symlink', mode: 0o777, target: 'bin/ping' }),
  entry('one', { link: 'a', content: Buffer.from('two names') }),
  entry('two', { link: 'a', content: Buffer.from('two names') }),
  entry('whole', { content: noise(8192) }),
  entry('many', { type: 'directory', mode: 0o755 }),
  ...Array.from({ length: 150 }, (_, index) =>
    entry(`many/a-name-of-some-length-${index}`, { content: Buffer.from(String(index)) }),
  ),
  entry('many/odd \udcff\n', { content: Buffer.from('x') }),
];

const superblock = { time: 77, nanoseconds: 0, uuid: Buffer.alloc(16, 0x11), volume: Buffer.alloc(16) };

async function write(t: ExecutionContext, isCompressed: boolean): Promise<string> {
  return (await rewrite(t, { entries: tree, isCompressed })).path;
}

/** Returns the path of the file system, and of whose bodies it asked for. */
async function rewrite(
  t: ExecutionContext,
  request: Pick<ErofsRequest, 'entries' | 'isCompressed' | 'old' | 'chunk'>,
) {
  const folder = await createTestFolder(t);
  const path = join(folder, 'new.erofs');
  const asked: string[] = [];
  async function* bodies(isWanted: (entry: RootEntry) => boolean) {
    for (const each of request.entries) {
      if (each.type !== 'file' || each.path === 'two' || !isWanted(each)) continue;
      asked.push(each.path);
      yield [each, each.body()] as const;
    }
  }
  await writeErofs({ ...request, bodies, superblock, destination: path, folder, signal });
  return { path, asked };
}

async function describe(entries: readonly RootEntry[]) {
  const groups = new Map<string, number>();
  const described = [];
  for (const { body, link, attributes, stored: _, chunk: __, ...rest } of entries) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body()) pieces.push(piece.slice());
    const group = link === undefined ? 0 : (groups.get(link) ?? groups.size + 1);
    if (link !== undefined) groups.set(link, group);
    described.push({
      ...rest,
      group,
      content: Buffer.concat(pieces).toString('base64'),
      attributes: [...attributes]
        .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
        .sort(),
    });
  }
  return described.sort((one, other) => (one.path < other.path ? -1 : 1));
}

for (const isCompressed of [false, true])
  test(`an erofs keeps all of its entries, ${isCompressed ? 'compressed' : 'as they are'}, and is the same each time`, async (t) => {
    const path = await write(t, isCompressed);
    await using file = await openInputFile(path);
    const { entries } = await readErofs(file);
    t.deepEqual(await describe(entries), await describe(tree));
    t.deepEqual(await readFile(await write(t, isCompressed)), await readFile(path));
    t.is(file.size < 250_000, isCompressed, String(file.size));
  });

test('an erofs in chunks has equal ones once, and the same content', async (t) => {
  const zeros = Buffer.concat([Buffer.alloc(40 * 4096), noise(4096), Buffer.alloc(100)]);
  const entries = [
    ...tree,
    entry('sparse', { content: zeros, chunk: 4096 }),
    entry('twin', { content: noise(100_000), chunk: 4096 }),
  ];
  const { path } = await rewrite(t, { entries, isCompressed: false, chunk: 4096 });
  await using file = await openInputFile(path);
  const found = await readErofs(file);
  const chunked = found.entries.filter(({ chunk }) => chunk === 4096).map(({ path }) => path);
  t.true(chunked.includes('sparse') && chunked.includes('twin'), chunked.join());
  t.deepEqual(await describe(found.entries), await describe(entries));
  const { size } = await stat((await rewrite(t, { entries, isCompressed: false })).path);
  t.true(file.size < size - 250_000, `${file.size} of ${size}`);
});

test('files that an old file system has compressed are copied with their compressed bytes', async (t) => {
  await using file = await openInputFile(await write(t, true));
  const old = { file, superblock: (await readSuperblock(file)) as Superblock };
  const { entries } = await readErofs(file);
  const { path, asked } = await rewrite(t, { entries, isCompressed: true, old });
  t.false(asked.includes('bin/ping'));
  t.true(asked.includes('whole'));
  await using copy = await openInputFile(path);
  t.deepEqual(await describe((await readErofs(copy)).entries), await describe(tree));
  t.is(copy.size, file.size);
  // Blocks that are used more than once would make the copy larger than the content.
  const isPing = ({ path }: RootEntry) => path === 'bin/ping';
  const bytes = await readFile(file.path);
  const ping = entries.find(isPing)?.stored ?? 0;
  const inode = old.superblock.inodesAt * 4096 + ping * 32;
  const map = bytes.indexOf(Buffer.from([2, 0, 0, 0]), inode + 64);
  const record = bytes.indexOf(Buffer.from([2, 0, 0, 0]), map + 4);
  bytes.writeUInt16LE(0x800 | 0x2a, record + 4);
  const hostile = { ...old, file: holdFile(bytes) };
  t.true((await rewrite(t, { entries, isCompressed: true, old: hostile })).asked.includes('bin/ping'));
});

test('the last record of a file whose end is not compressed says where it ends', (t) => {
  const packed = { start: 0, end: 5000, isPlain: false, block: 7, blocks: 1 };
  const plain = { start: 5000, end: 8500, isPlain: true, block: 8, blocks: 1 };
  const records = encodeExtents([packed, plain], 8500);
  // A kernel that is asked for the end must not take more than a block for plain.
  t.deepEqual(
    Array.from({ length: 3 }, (_, index) => [
      records.readUInt16LE(8 * index),
      records.readUInt16LE(8 * index + 2),
    ]),
    [
      [1, 0],
      [0, 904],
      [0, 308],
    ],
  );
});

test('a squashfs says its options as tar2sqfs takes them, and whether its contents are compressed', (t) => {
  const bytes = Buffer.alloc(96 + 10);
  bytes.write('hsqs', 0, 'latin1');
  bytes.writeUInt32LE(131072, 12);
  bytes.writeUInt16LE(4, 28);
  const read = (compressor: number, flags: number, ...options: readonly number[]) => {
    bytes.writeUInt16LE(compressor, 20);
    bytes.writeUInt16LE(flags, 24);
    for (const [index, value] of options.entries()) bytes.writeUInt32LE(value, 98 + 4 * index);
    const { options: said, isRaw } = parseSuperblock(bytes) ?? {};
    return [said, isRaw];
  };
  t.deepEqual(read(3, 0x400, 0, 0), ['algorithm=lzo1x_1,level=0', false]);
  t.deepEqual(read(3, 0x400, 4, 7), ['algorithm=lzo1x_999,level=7', false]);
  t.deepEqual(read(1, 0x402, 5, (1 << 16) | 12), ['level=5,window=12,default', true]);
  t.deepEqual(read(4, 0, 9), ['', false]);
});

test('a table of a squashfs that LZ4 made larger is stored as it is, which unsquashfs wants', async (t) => {
  const path = join(await createTestFolder(t), 'new.squashfs');
  const ids = Buffer.from('00000000e8030000d00700002b000000', 'hex');
  const bytes = Buffer.alloc(96 + 2 + 18 + 8);
  bytes.fill(0xff, 48, 96);
  bytes.writeUInt16LE(4, 26);
  bytes.writeBigUInt64LE(116n, 48);
  bytes.writeUInt16LE(18, 96);
  // A literal run of 16 bytes.
  bytes.set([0xf0, 1], 98);
  ids.copy(bytes, 100);
  bytes.writeBigUInt64LE(96n, 116);
  await writeFile(path, bytes);
  await mendTables(path);
  const mended = await readFile(path);
  t.is(mended.readUInt16LE(96), 0x8000 | 16);
  t.deepEqual(mended.subarray(98, 114), ids);
  t.is(mended.length, bytes.length);
  await mendTables(path);
  t.deepEqual(await readFile(path), mended);
});

test('a block of LZ4 comes back as it was, and none is made that would be larger', (t) => {
  const patterns = [
    text.subarray(0, 65536),
    Buffer.alloc(65536),
    Buffer.from('abc'.repeat(30)),
    Buffer.concat([noise(300), noise(300), Buffer.alloc(300)]),
  ];
  for (const input of patterns) {
    const packed = packBlock(input, input.length);
    const output = new Uint8Array(input.length);
    t.true(packed !== undefined && packed.length < input.length && unpackBlock(packed, output));
    t.deepEqual(Buffer.from(output), Buffer.from(input));
  }
  t.is(packBlock(noise(65536), 65536), undefined);
});

test('a damaged block of LZ4 is refused', (t) => {
  const packed = packBlock(text.subarray(0, 4096), 4096) ?? new Uint8Array();
  t.false(unpackBlock(packed.subarray(0, 10), new Uint8Array(4096)));
  t.false(unpackBlock(Uint8Array.of(0x10, 0x41, 0xff, 0xff), new Uint8Array(100)));
  t.false(unpackBlock(Uint8Array.of(0xf0, 0xff), new Uint8Array(100)));
});

const damages: readonly (readonly [what: string, change: (bytes: Buffer) => Buffer, message: RegExp])[] = [
  ['whose end is missing', (bytes) => bytes.subarray(0, bytes.length - 8192), /damaged/],
  [
    'with a root that is nowhere',
    (bytes) => Buffer.concat([bytes.subarray(0, 1024 + 14), Buffer.alloc(2, 255), bytes.subarray(1024 + 16)]),
    /no inode 65535/,
  ],
  [
    'with a root that is no directory',
    (bytes) => {
      const inode = bytes.readUInt32LE(1024 + 40) * 4096 + 32 * bytes.readUInt16LE(1024 + 14);
      bytes.writeUInt16LE(0o100644, inode + 4);
      return bytes;
    },
    /the root is no directory/,
  ],
  ['that would unpack to terabytes', (bytes) => bytes, /more than/],
];
for (const [what, change, message] of damages)
  test(`an erofs ${what} is refused`, async (t) => {
    const path = await write(t, false);
    const whole = await readFile(path);
    // Without a checksum, which would be the first to be missed.
    whole[1024 + 8] = 0;
    const bytes = change(whole);
    const limits = what.includes('terabytes') ? { unpacked: 1000 } : {};
    await t.throwsAsync(readErofs(holdFile(bytes), limits), { message });
  });

test('an erofs whose superblock has another checksum is refused, as by a kernel', async (t) => {
  const bytes = await readFile(await write(t, false));
  bytes[1024 + 64] = 0x41;
  await t.throwsAsync(readErofs(holdFile(bytes)), {
    code: 'wrapper-invalid',
    message: /the superblock has the crc32c [0-9a-f]{8}, wanted [0-9a-f]{8}: the file system is damaged/,
  });
});

test('a file that no archive can hold is refused by its name', async (t) => {
  const [root = entry(''), ...rest] = tree;
  const bodies = archiveRoot([root, { ...entry('huge'), size: 2 ** 32 }, ...rest], 'v.erofs');
  const read = async () => {
    for await (const _ of bodies);
  };
  await t.throwsAsync(read, { code: 'wrapper-unread', message: /4294967296 bytes/ } as never);
});
