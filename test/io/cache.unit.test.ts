import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { cacheEntry, noCache, openCache, trimCache } from '#src/io/cache.js';

const key = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cache-test-'));
  await use(folder).finally(() => rm(folder, { recursive: true }));
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one ');
  yield Buffer.from('two');
}

test('content is read back, whole or in parts, under its kind and key', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    t.is(await cache.read('member', key), undefined);
    t.false(await cache.has('member', key));
    await cache.write('member', key, pieces());
    t.is(Buffer.from((await cache.read('member', key)) ?? []).toString(), 'one two');
    t.true(await cache.has('member', key));
    t.false(await cache.has('scan', key));
    await using file = await cache.open('member', key);
    t.is(file?.size, 7);
    t.is(Buffer.from((await file?.read(4, 100)) ?? []).toString(), 'two');
    await cache.write('member', other, new Uint8Array());
    t.is((await cache.read('member', other))?.length, 0);
  }));

test('content that is too long to be read at once is read back, and found damaged', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    const long = Buffer.alloc(9 * 2 ** 20, 'long');
    await cache.write('member', key, long);
    t.true(Buffer.from((await cache.read('member', key)) ?? []).equals(long));
    const path = join(folder, 'member', 'ab', key);
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = 0;
    await writeFile(path, bytes);
    t.is(await cache.read('member', key), undefined);
    t.false(await cache.has('member', key));
  }));

test('a folder in the place of an entry is none', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    await cache.write('member', key, Buffer.from('one'));
    const path = join(folder, 'member', 'ab', key);
    await rm(path);
    await mkdir(path);
    t.is(await cache.read('member', key), undefined);
    t.like(await trimCache(folder, 0), { removed: 0 });
  }));

test('a file that came to the place of another entry is none, and is removed', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    await cache.write('member', key, Buffer.from('one'));
    const bytes = await readFile(join(folder, 'member', 'ab', key));
    for (const [kind, name] of [
      ['member', other],
      ['scan', key],
    ] as const) {
      await cache.write(kind, name, Buffer.from('two'));
      const path = join(folder, kind, name.slice(0, 2), name);
      await writeFile(path, bytes);
      t.is(await cache.open(kind, name), undefined);
      await cache.write(kind, name, Buffer.from('two'));
      await writeFile(path, bytes);
      t.is(await cache.read(kind, name), undefined);
      t.false(await cache.has(kind, name));
    }
    t.is(Buffer.from((await cache.read('member', key)) ?? []).toString(), 'one');
  }));

test('an entry is named by its kind, its version and all its parts', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    const entry = cacheEntry(cache, 'root', 1, 'a', ['b', 2]);
    t.false(await entry.has());
    t.true(await entry.write(Buffer.from('content')));
    t.true(await entry.has());
    t.is(`${Buffer.from((await cacheEntry(cache, 'root', 1, 'a', ['b', 2]).read()) ?? [])}`, 'content');
    await using file = await entry.open();
    t.is(file?.size, 7);
    for (const other of [
      cacheEntry(cache, 'scan', 1, 'a', ['b', 2]),
      cacheEntry(cache, 'root', 2, 'a', ['b', 2]),
      cacheEntry(cache, 'root', 1, 'a', 'b', 2),
      cacheEntry(cache, 'root', 1, 'a', ['b', '2']),
      cacheEntry(cache, 'root', 1, 'a,b', 2),
    ])
      t.false(await other.has());
    const none = cacheEntry(noCache, 'root', 1, 'a');
    t.false(await none.write(Buffer.from('content')));
    t.is(await none.read(), undefined);
  }));

for (const [name, damage] of [
  ['a flipped bit', (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))],
  ['a lost end', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['nothing left', () => Buffer.alloc(0)],
] as const) {
  test(`a file with ${name} is absent, and is removed`, (t) =>
    withFolder(async (folder) => {
      const cache = openCache(folder, t.fail);
      const path = join(folder, 'steps', key.slice(0, 2), key);
      for (const read of [cache.read, cache.open]) {
        await cache.write('steps', key, Buffer.from('content'));
        await writeFile(path, damage(await readFile(path)));
        t.is(await read('steps', key), undefined);
        t.false(await cache.has('steps', key));
      }
    }));
}

test('trimming removes the files used longest ago, and those a killed process left', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    for (const [at, name] of ['11', '22', '33'].entries()) {
      await cache.write('member', name, Buffer.alloc(1000));
      await utimes(join(folder, 'member', name, name), at + 1, at + 1);
    }
    await cache.read('member', '11');
    await writeFile(join(folder, 'member/11/.999999999-0123456789ab'), 'half');
    await writeFile(join(folder, `member/11/.${process.pid}-0123456789ab`), 'being written');
    t.like(await trimCache(folder, 2100), { left: 2064 });
    const names = await readdir(folder, { recursive: true });
    t.deepEqual(names.filter((name) => name.split('/').length === 3).sort(), [
      `member/11/.${process.pid}-0123456789ab`,
      'member/11/11',
      'member/33/33',
    ]);
  }));

test('a cache that cannot be written logs that once and fails nothing', (t) =>
  withFolder(async (folder) => {
    const said: string[] = [];
    const file = join(folder, 'file');
    await writeFile(file, '');
    const cache = openCache(join(file, 'cache'), (line) => said.push(line));
    t.false(await cache.write('member', key, Buffer.from('x')));
    t.false(await cache.write('member', other, Buffer.from('x')));
    t.is(said.length, 1);
    t.is(await cache.read('member', key), undefined);
    await mkdir(join(folder, 'empty'));
    t.deepEqual(await trimCache(join(folder, 'none'), 1), { removed: 0, left: 0 });
  }));

test('an error of the source is passed on, and nothing stays', (t) =>
  withFolder(async (folder) => {
    const cache = openCache(folder, t.fail);
    const failing = (async function* () {
      yield Buffer.from('half');
      throw new Error('the source failed');
    })();
    await t.throwsAsync(cache.write('member', key, failing), { message: 'the source failed' });
    t.false(await cache.has('member', key));
    t.deepEqual(await readdir(join(folder, 'member', 'ab')), []);
  }));
