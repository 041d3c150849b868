import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { decodePath } from '#src/format/path.js';
import type { Bytes, Entry } from '#src/model/image/entry.js';
import { encodePax, encodeTarBlock } from '#src/tar/tar-header.js';
import { readEntries, type TarRecord } from '#src/tar/tar-reader.js';
import { packEntries } from '#src/tar/tar-writer.js';
import { collect, sketchEntry } from '../fixtures/memory-archive.js';
import { testNeeding } from '../fixtures/needs.js';

interface Read extends TarRecord {
  readonly content: Buffer;
}

async function pack(entries: readonly Entry[]): Promise<Buffer> {
  return collect(packEntries(entries.map((entry) => ({ entry }))));
}

async function readAll(stream: Bytes): Promise<Read[]> {
  const found: Read[] = [];
  for await (const { record, body } of readEntries(stream))
    found.push({ ...record, content: await collect(body) });
  return found;
}

const raw = decodePath(Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x62]));
const hard: readonly Entry[] = [
  sketchEntry({ path: '', type: 'directory', mode: 0o700 }),
  sketchEntry({ path: 'd', type: 'directory', mode: 0, uid: 4294967294, gid: 2097152 }),
  sketchEntry({ path: 'd/zero', mode: 0, content: '' }),
  sketchEntry({ path: 'd/late', mode: 0o6755, mtime: 4294967295, content: 'x'.repeat(512) }),
  sketchEntry({ path: 'd/epoch', mtime: 0, content: 'y'.repeat(513) }),
  sketchEntry({ path: `d/${raw}`, content: 'not UTF-8' }),
  sketchEntry({ path: `d/${'é'.repeat(127)}`, content: '255 bytes' }),
  sketchEntry({ path: 'd/dangling', type: 'symlink', target: `../../${raw}` }),
  sketchEntry({ path: 'd/long', type: 'symlink', target: 't'.repeat(4000) }),
  sketchEntry({ path: 'd/console', type: 'character', mode: 0o600, device: { major: 5, minor: 1 } }),
  sketchEntry({ path: 'd/disk', type: 'block', device: { major: 259, minor: 1048575 } }),
  sketchEntry({ path: 'd/fifo', type: 'fifo' }),
  sketchEntry({ path: 'one', link: 'g', content: 'shared' }),
  sketchEntry({ path: 'other', link: 'g', content: 'shared' }),
];

test('what is packed is read back', async (t) => {
  const found = await readAll(Readable.from(await pack(hard)));
  t.is(found.length, hard.length);
  for (const [index, entry] of hard.entries()) {
    const record = found[index];
    const { path, mode, uid, gid, mtime } = entry;
    t.like(record, { path, mode, uid, gid, mtime });
    t.deepEqual(record?.device, entry.device);
    if (path === 'other') t.like(record, { type: 'link', target: 'one', size: 0 });
    else t.like(record, { type: entry.type, content: await collect(entry.body()) });
    if (entry.type === 'symlink') t.is(record?.target, entry.target);
  }
});

test('any bytes are a name, any u32 an id or a time', async (t) => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 300 })
    .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x41 : byte))))
    .filter((path) => path !== '.' && path !== '..');
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const property = fc.asyncProperty(
    name,
    u32,
    u32,
    u32,
    fc.uint8Array({ maxLength: 1100 }),
    async (path, uid, gid, mtime, content) => {
      const [found] = await readAll(
        Readable.from(await pack([sketchEntry({ path, uid, gid, mtime, content })])),
      );
      t.deepEqual(
        { ...found, content: Buffer.from(found?.content ?? []) },
        {
          path,
          type: 'file',
          mode: 0o644,
          uid,
          gid,
          mtime,
          size: content.length,
          attributes: new Map(),
          position: found?.position ?? -1,
          content: Buffer.from(content),
        },
      );
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 200 }));
});

test('however the stream is cut, the records are the same', async (t) => {
  const whole = await pack(hard);
  const want = await readAll(Readable.from(whole));
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
    async (sizes) => {
      function* pieces() {
        for (let at = 0, index = 0; at < whole.length; index += 1) {
          const end = at + (sizes[index % sizes.length] ?? 1);
          yield whole.subarray(at, end);
          at = end;
        }
      }
      t.deepEqual(await readAll(Readable.from(pieces())), want);
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 20 }));
});

test('a body left unread is skipped', async (t) => {
  const names: string[] = [];
  for await (const { record } of readEntries(Readable.from(await pack(hard)))) names.push(record.path);
  t.deepEqual(
    names,
    hard.map(({ path }) => path),
  );
});

testNeeding('tar')('tar-stream and GNU tar read what is packed', async (t) => {
  const plain = hard.filter(({ path, target }) => !/[\udc80-\udcff]/u.test(path + (target ?? '')));
  const bytes = await pack(plain);
  const found = extract();
  Readable.from(bytes).pipe(found);
  const seen: string[] = [];
  for await (const entry of found) {
    const { name, mode, uid, pax } = entry.header;
    seen.push(
      `${name.replace(/^\.\/|\/$/g, '')} ${mode?.toString(8)} ${(pax as Record<string, string> | null)?.uid ?? uid}`,
    );
    entry.resume();
  }
  t.deepEqual(
    seen,
    plain.map((entry) => `${entry.path} ${entry.mode.toString(8)} ${entry.uid}`),
  );
  const listing = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], {
    input: bytes,
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
  });
  t.regex(listing.toString(), /d--------- 4294967294\/2097152 +0 2001-09-09 01:46 d\//);
  t.regex(listing.toString(), /-rwsr-sr-x 0\/0 +512 2106-02-07 06:28 d\/late/);
  t.regex(listing.toString(), /crw------- 0\/0 +5,1 .* d\/console/);
  t.regex(listing.toString(), /hrw-r--r-- 0\/0 +0 .* other link to one/);
});

for (const format of ['gnu', 'pax', 'ustar', 'v7', 'oldgnu']) {
  testNeeding('tar')(`GNU tar's ${format} format is read`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'tar-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const long = format === 'gnu' || format === 'pax' ? 'n'.repeat(240) : 'short';
    await writeFile(join(folder, long), 'body');
    const flags = [
      '--format',
      format,
      '--sort=name',
      '--mtime=@1000000000.5',
      '--owner=:7',
      '--group=:8',
      '--mode=0640',
    ];
    const tar = spawn('tar', [...flags, '-C', folder, '-cf', '-', `./${long}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [record] = await readAll(tar.stdout);
    t.like(record, {
      path: long,
      type: 'file',
      mode: 0o640,
      uid: 7,
      gid: 8,
      mtime: 1_000_000_000,
      content: Buffer.from('body'),
    });
  });
}

testNeeding('tar')('names of bytes come out of GNU tar as they went in', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tar-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const bytes = await pack([sketchEntry({ path: raw, content: 'held' })]);
  execFileSync('tar', ['-C', folder, '-xf', '-'], { input: bytes });
  t.is(
    await readFile(
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x62])]),
      'utf8',
    ),
    'held',
  );
});

test('a socket, and a body of another length, are refused', async (t) => {
  await t.throwsAsync(pack([sketchEntry({ path: 's', type: 'socket' })]), { code: 'tar-socket' } as never);
  await t.throwsAsync(pack([{ ...sketchEntry({ path: 'f', content: 'abc' }), size: 2 }]), {
    code: 'tar-body',
  } as never);
  await t.throwsAsync(pack([{ ...sketchEntry({ path: 'f', content: 'abc' }), size: 4 }]), {
    code: 'tar-body',
  } as never);
});

const empty = {
  name: Buffer.from('n'),
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  linkName: Buffer.alloc(0),
  device: { major: 0, minor: 0 },
};
const end = Buffer.alloc(1024);

const hostile: readonly (readonly [string, string, () => Uint8Array[]])[] = [
  ['a wrong checksum', 'tar-header', () => [Buffer.alloc(512, 0x41), end]],
  ['an unknown type', 'tar-type', () => [encodeTarBlock({ ...empty, flag: 'S' }), end]],
  [
    'a file in the place of the root',
    'tar-path',
    () => [encodeTarBlock({ ...empty, flag: '0', name: Buffer.from('./.') }), end],
  ],
  [
    'a name above the root',
    'tar-path',
    () => [encodeTarBlock({ ...empty, flag: '0', name: Buffer.from('a/../../b') }), end],
  ],
  [
    'a link above the root',
    'tar-path',
    () => [encodeTarBlock({ ...empty, flag: '1', linkName: Buffer.from('../b') }), end],
  ],
  [
    'a name header of 5 GiB',
    'tar-pax',
    () => [encodeTarBlock({ ...empty, flag: 'L', size: 5 * 2 ** 30 }), end],
  ],
  ['no end', 'tar-truncated', () => [encodeTarBlock({ ...empty, flag: '0' })]],
  [
    'a body cut short',
    'tar-truncated',
    () => [encodeTarBlock({ ...empty, flag: '0', size: 600 }), Buffer.alloc(512)],
  ],
  ['a header cut short', 'tar-truncated', () => [encodeTarBlock({ ...empty, flag: '0' }).subarray(0, 511)]],
  ['a pax record longer than its header', 'tar-pax', () => withPax(Buffer.from('99 path=x\n'))],
  ['a pax record of no length', 'tar-pax', () => withPax(Buffer.from('0 path=x\n'))],
  ['a pax id that is no number', 'tar-pax', () => withPax(encodePax(new Map([['uid', Buffer.from('-1')]])))],
];

function withPax(text: Uint8Array): Uint8Array[] {
  return [
    encodeTarBlock({ ...empty, flag: 'x', size: text.length }),
    Buffer.concat([text, Buffer.alloc(512 - text.length)]),
    encodeTarBlock({ ...empty, flag: '0' }),
    end,
  ];
}

for (const [what, code, blocks] of hostile) {
  test(`refused: ${what}`, async (t) => {
    await t.throwsAsync(readAll(Readable.from(blocks())), { name: 'MobyPatchError', code } as never);
  });
}

test('names of extended attributes are told, fractions and negative times are not kept', async (t) => {
  const pax = new Map([
    ['SCHILY.xattr.security.capability', Buffer.from([1, 0, 0, 2, 0x0a, 0x3d])],
    ['mtime', Buffer.from('-3.5')],
  ]);
  const [record] = await readAll(Readable.from(withPax(encodePax(pax))));
  t.is(record?.mtime, 0);
  t.deepEqual([...(record?.attributes.keys() ?? [])], ['security.capability']);
});

test('packing waits for its reader', async (t) => {
  let given = 0;
  const piece = Buffer.alloc(64 * 1024);
  const body = async function* () {
    for (; given < 1024; given += 1) yield piece;
  };
  const stream = packEntries([
    { entry: { ...sketchEntry({ path: 'big' }), size: 1024 * piece.length, body } },
  ]);
  stream.once('error', () => {});
  await new Promise((resolve) => stream.once('readable', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  t.true(given < 8, `${given} pieces were made for a reader that has taken none`);
  stream.destroy();
});
