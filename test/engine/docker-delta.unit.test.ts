import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { type BodyFile, createBodyFile } from '#src/engine/docker/body-file.js';
import { type Delta, readDelta } from '#src/engine/docker/delta.js';
import { decodeListing, encodeListing, listRoot } from '#src/engine/docker/root-listing.js';
import type { Entry } from '#src/model/image/entry.js';
import { encodePax, encodeTarBlock } from '#src/tar/tar-header.js';
import { packEntries } from '#src/tar/tar-writer.js';
import { collect, type Sketch, sketchEntry } from '../fixtures/memory-archive.js';

async function pack(sketches: readonly Sketch[]): Promise<Buffer> {
  return collect(packEntries(sketches.map((sketch) => ({ entry: sketchEntry(sketch) }))));
}

async function openBodies(t: ExecutionContext): Promise<{ bodies: BodyFile; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'delta-'));
  const path = join(folder, 'bodies');
  const bodies = await createBodyFile(path);
  t.teardown(async () => {
    await bodies[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  return { bodies, path };
}

/** The delta between two tars; `reads`: how often the second one was read. */
async function compare(
  t: ExecutionContext,
  before: Uint8Array,
  ...now: readonly Uint8Array[]
): Promise<Delta & { readonly reads: number; readonly path: string }> {
  const { bodies, path } = await openBodies(t);
  const origin = decodeListing(encodeListing(await listRoot(Readable.from([before])))) ?? new Map();
  let reads = 0;
  const next = async () => {
    reads += 1;
    return Readable.from([now[reads - 1] ?? now.at(-1) ?? Buffer.alloc(0)]);
  };
  return { ...(await readDelta(next, origin, bodies)), reads, path };
}

const names = ({ changes }: Delta) =>
  changes.map((change) => (change.op === 'remove' ? `- ${change.path}` : `+ ${change.entry.path}`));

function find({ changes }: Delta, path: string): Entry {
  for (const change of changes) if (change.op === 'put' && change.entry.path === path) return change.entry;
  throw new Error(`no put of ${path}`);
}

const read = async ({ body }: Entry) => (await collect(body())).toString();

const root: readonly Sketch[] = [
  { path: 'bin', type: 'directory' },
  { path: 'bin/tool', content: 'tool', mode: 0o755 },
  { path: 'bin/sh', type: 'symlink', target: 'tool' },
  { path: 'pipe', type: 'fifo' },
  { path: 'tty', type: 'character', device: { major: 4, minor: 64 } },
];
const withChange = (path: string, change: Partial<Sketch>) =>
  root.map((sketch) => (sketch.path === path ? { ...sketch, ...change } : sketch));

test('a file that was only touched has not changed', async (t) => {
  const touched = root.map((sketch) => ({ ...sketch, mtime: 2_000_000_000 }));
  t.deepEqual((await compare(t, await pack(root), await pack(touched))).changes, []);
});

for (const [what, path, change] of [
  ['other bytes of the same size and time', 'bin/tool', { content: 'TOOL' }],
  ['a mode', 'bin/tool', { mode: 0o4755 }],
  ['an owner', 'bin', { uid: 7 }],
  ['a group', 'pipe', { gid: 7 }],
  ['a target', 'bin/sh', { target: 'loot' }],
  ['a device number', 'tty', { device: { major: 4, minor: 65 } }],
  ['a type', 'pipe', { type: 'file' }],
] as const) {
  test(`seen: ${what}`, async (t) => {
    const delta = await compare(t, await pack(root), await pack(withChange(path, change)));
    t.deepEqual(names(delta), [`+ ${path}`]);
    t.like(find(delta, path), 'content' in change ? { size: 4 } : change);
    if (path === 'bin/tool') t.is(await read(find(delta, path)), 'content' in change ? 'TOOL' : 'tool');
  });
}

test('a removed folder is one removal, before the put that replaces it', async (t) => {
  const before = await pack([
    { path: 'a', type: 'directory' },
    { path: 'a/sub', type: 'directory' },
    { path: 'a/sub/file', content: 'x' },
    { path: 'b', type: 'directory' },
    { path: 'b/file', content: 'x' },
    { path: 'top', content: 'x' },
  ]);
  const now = await pack([
    { path: 'a', type: 'directory' },
    { path: 'b', content: 'a file now' },
  ]);
  t.deepEqual(names(await compare(t, before, now)), ['- a/sub', '- b', '- top', '+ b']);
});

test("Docker's own files are no change", async (t) => {
  const before = await pack([
    { path: 'etc', type: 'directory' },
    { path: 'etc/hosts' },
    { path: 'dev', type: 'directory' },
    { path: 'dev/console' },
  ]);
  const now = await pack([
    { path: '.dockerenv' },
    { path: 'etc', type: 'directory' },
    { path: 'etc/resolv.conf', content: 'x' },
    { path: 'proc', type: 'directory' },
  ]);
  t.deepEqual((await compare(t, before, now)).changes, []);
});

const group = (...paths: readonly string[]) =>
  paths.map((path): Sketch => ({ path, link: 'g', content: 'shared' }));

test('a new name of an old file is a change, and the root is read once more for its bytes', async (t) => {
  const before = await pack([
    { path: 'a', content: 'shared' },
    { path: 'z', content: 'other' },
  ]);
  const now = await pack([...group('a', 'b'), { path: 'z', content: 'other' }]);
  const delta = await compare(t, before, now);
  t.deepEqual(names(delta), ['+ a', '+ b']);
  t.is(delta.reads, 2);
  t.is(find(delta, 'a').link, find(delta, 'b').link);
  t.is(await read(find(delta, 'b')), 'shared');
});

test('a file that became a name of another is a change, though its bytes are the same', async (t) => {
  const before = await pack([
    { path: 'a', content: 'shared' },
    { path: 'b', content: 'shared' },
  ]);
  const delta = await compare(t, before, await pack(group('a', 'b')));
  t.deepEqual(names(delta), ['+ a', '+ b']);
  t.is(await read(find(delta, 'a')), 'shared');
});

test('a name that was written to leaves its group, and the others are as they were', async (t) => {
  const before = await pack(group('a', 'b', 'c'));
  const now = await pack([{ path: 'a', content: 'written' }, ...group('b', 'c')]);
  const delta = await compare(t, before, now);
  t.deepEqual(names(delta), ['+ a']);
  t.is(find(delta, 'a').link, undefined);
  t.is(delta.reads, 1);
  t.deepEqual((await compare(t, before, before)).changes, []);
});

test('a symlink with two names is two symlinks', async (t) => {
  const block = { mode: 0o777, uid: 0, gid: 0, mtime: 0, size: 0, device: { major: 0, minor: 0 } };
  const now = Buffer.concat([
    encodeTarBlock({ ...block, name: Buffer.from('one'), linkName: Buffer.from('there'), flag: '2' }),
    encodeTarBlock({ ...block, name: Buffer.from('two'), linkName: Buffer.from('one'), flag: '1' }),
    Buffer.alloc(1024),
  ]);
  const delta = await compare(t, await pack([]), now);
  t.like(find(delta, 'two'), { type: 'symlink', target: 'there', size: 5, link: undefined });
});

test('bodies are right, whatever was discarded between them', async (t) => {
  const large = (letter: string) => letter.repeat(3 * 2 ** 20);
  const before: Sketch[] = [];
  const now: Sketch[] = [];
  for (const [index, size] of [10, 2 ** 20, 3 * 2 ** 20, 2 ** 20 - 5, 7].entries()) {
    const same: Sketch = { path: `${index}-same`, content: `${index}`.repeat(size) };
    before.push(same);
    now.push(same, { path: `${index}-new`, content: large(String.fromCharCode(97 + index)) });
    now.push({ path: `${index}-short`, content: `new ${index}` });
  }
  const delta = await compare(t, await pack(before), await pack(now));
  t.is(delta.changes.length, 10);
  for (let index = 0; index < 5; index += 1) {
    t.is(await read(find(delta, `${index}-new`)), large(String.fromCharCode(97 + index)));
    t.is(await read(find(delta, `${index}-short`)), `new ${index}`, 'and again');
    t.is(await read(find(delta, `${index}-short`)), `new ${index}`, 'and again');
  }
  t.is((await stat(delta.path)).size, 15 * 2 ** 20 + 5 * 5);
});

test('a tar that breaks off, a link to nothing and a file that changes meanwhile are refused', async (t) => {
  const before = await pack([{ path: 'a', content: 'shared' }]);
  const now = await pack(group('a', 'b'));
  for (const cut of [512, 700, now.length - 1024])
    t.like(await t.throwsAsync(compare(t, before, now.subarray(0, cut))), { code: 'tar-truncated' });
  const other = await pack([{ path: 'a', content: 'SHARED' }]);
  const error = await t.throwsAsync(compare(t, before, now, other));
  t.like(error, { kind: 'infrastructure', code: 'docker-answer' });
  t.regex(error.message, /^a changed in the container/);
  const dangling = Buffer.concat([
    encodeTarBlock({ ...blockOf('b'), flag: '1', linkName: Buffer.from('no') }),
    Buffer.alloc(1024),
  ]);
  t.like(await t.throwsAsync(compare(t, before, dangling)), { code: 'docker-answer' });
  const huge = encodeTarBlock({ ...blockOf('huge'), flag: '0', linkName: Buffer.alloc(0), size: 2 ** 32 });
  t.like(await t.throwsAsync(compare(t, before, huge)), {
    kind: 'failed',
    code: 'file-too-large',
    path: 'huge',
  });
});

test('files that are larger in all than what an image and its commands may have are refused before they are read', async (t) => {
  const before = await pack([{ path: 'a', content: 'old' }]);
  const now = await pack([
    { path: 'a', content: 'old' },
    { path: 'b', content: '12345' },
    { path: 'c', content: '123456' },
  ]);
  const { bodies } = await openBodies(t);
  const origin = await listRoot(Readable.from([before]));
  const read = (most: number) => readDelta(async () => Readable.from([now]), origin, bodies, most);
  t.is((await read(11)).changes.length, 2);
  t.like(await t.throwsAsync(read(10)), { kind: 'failed', code: 'file-too-large', path: 'c' });
});

test('a file capability is reported', async (t) => {
  const pax = encodePax(new Map([['SCHILY.xattr.security.capability', Buffer.from([1, 0, 0, 2])]]));
  const linkName = Buffer.alloc(0);
  const file = encodeTarBlock({ ...blockOf('ping'), linkName, flag: '0' });
  const now = Buffer.concat([
    encodeTarBlock({ ...blockOf('ping'), linkName, flag: 'x', size: pax.length }),
    pax,
    Buffer.alloc(512 - pax.length),
    file,
    Buffer.alloc(1024),
  ]);
  const expected = [{ path: 'ping', names: ['security.capability'] }];
  t.deepEqual((await compare(t, await pack([]), now)).attributed, expected);
  t.deepEqual((await compare(t, Buffer.concat([file, Buffer.alloc(1024)]), now)).attributed, expected);
  t.deepEqual((await compare(t, now, now)).attributed, []);
});

function blockOf(name: string) {
  const device = { major: 0, minor: 0 };
  return { name: Buffer.from(name), mode: 0o755, uid: 0, gid: 0, mtime: 0, size: 0, device };
}
