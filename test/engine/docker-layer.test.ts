import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { readDelta } from '#src/engine/docker/delta.js';
import { saveTopLayer } from '#src/engine/docker/layer.js';
import { packEntries } from '#src/io/tar.js';
import { encodePax, encodeTarBlock } from '#src/io/tar-header.js';
import type { Entry } from '#src/model/entry.js';
import { collect, type Sketch, sketchEntry } from '../fixtures/memory-image.js';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function pack(sketches: readonly Sketch[]): Promise<Buffer> {
  return collect(packEntries(sketches.map((sketch) => ({ entry: sketchEntry(sketch) }))));
}

async function createFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'layer-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const base = await pack([{ path: 'base', content: 'b'.repeat(5000) }]);
const top = await pack([{ path: 'top', content: 't'.repeat(5000) }]);
const known = [`sha256:${digest(base)}`];

/** As Docker until 24 writes it: folders sorted by their ids. */
function pack20(baseFirst: boolean, layers = 2): Promise<Buffer> {
  const ids = [baseFirst ? '1' : '2', baseFirst ? '2' : '1'].map((digit) => digit.repeat(64));
  const [low = '', high = ''] = ids;
  const bodies = [
    { id: low, parent: undefined, body: base },
    { id: high, parent: low, body: top },
  ].slice(0, layers);
  const parts = bodies
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .flatMap(({ id, parent, body }) => [
      { path: id, type: 'directory' as const },
      { path: `${id}/VERSION`, content: '1.0' },
      { path: `${id}/json`, content: JSON.stringify({ id, parent }) },
      { path: `${id}/layer.tar`, content: body },
    ]);
  const Layers = [low, high].slice(0, layers).map((id) => `${id}/layer.tar`);
  return pack([
    ...parts,
    { path: `${'c'.repeat(64)}.json`, content: '{}' },
    { path: 'manifest.json', content: JSON.stringify([{ Config: 'c', Layers }]) },
  ]);
}

/** As Docker since 25 writes it (and, gzipped, with the containerd image store). */
function packOci(bodies: readonly Buffer[]): Promise<Buffer> {
  const blobs = [...bodies, Buffer.from('{"architecture":"amd64"}')].map((body) => ({
    path: `blobs/sha256/${digest(body)}`,
    content: body,
  }));
  const Layers = bodies.map((body) => `blobs/sha256/${digest(body)}`);
  return pack([
    { path: 'blobs', type: 'directory' },
    ...blobs,
    { path: 'index.json', content: '{}' },
    { path: 'manifest.json', content: JSON.stringify([{ Config: 'x', RepoTags: null, Layers }]) },
    { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
  ]);
}

for (const [what, saved] of [
  ['Docker 20.10, base first', pack20(true)],
  ['Docker 20.10, base last', pack20(false)],
  ['OCI layout', packOci([base, top])],
  ['OCI layout, gzipped', packOci([gzipSync(base), gzipSync(top)])],
] as const) {
  test(`the layer above the known ones is found: ${what}`, async (t) => {
    const layer = await saveTopLayer(Readable.from(await saved), known, await createFolder(t));
    const { changes } = await readDelta(layer ?? { file: '' });
    const [change, ...rest] = changes;
    t.deepEqual(rest, []);
    t.is(change?.op, 'put');
    const entry = (change as { entry: Entry }).entry;
    t.is(entry.path, 'top');
    t.is((await collect(entry.body())).toString(), 't'.repeat(5000));
    t.is((await collect(entry.body())).toString(), 't'.repeat(5000), 'a body can be read twice');
  });
}

test('an unchanged container has no layer above', async (t) => {
  for (const saved of [await pack20(true, 1), await packOci([base])]) {
    t.is(await saveTopLayer(Readable.from(saved), known, await createFolder(t)), undefined);
  }
});

for (const [what, sketches] of [
  ['no manifest', [{ path: 'index.json', content: '{}' }]],
  ['a manifest that is no JSON', [{ path: 'manifest.json', content: '[' }]],
  ['a manifest of two images', [{ path: 'manifest.json', content: '[{"Layers":[]},{"Layers":[]}]' }]],
  ['a layer that is not there', [{ path: 'manifest.json', content: '[{"Layers":["a","b"]}]' }]],
  ['three layers', [{ path: 'manifest.json', content: '[{"Layers":["a","b","c"]}]' }]],
  ['a manifest of 5 MiB', [{ path: 'manifest.json', content: ' '.repeat(5 * 2 ** 20) }]],
  [
    'a layer in zstd',
    [{ path: `blobs/sha256/${'a'.repeat(64)}`, content: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]) }],
  ],
] as const) {
  test(`refused: ${what}`, async (t) => {
    const folder = await createFolder(t);
    const error = await t.throwsAsync(async () =>
      saveTopLayer(Readable.from(await pack(sketches)), known, folder),
    );
    t.like(error, { kind: 'infrastructure', code: 'docker-answer' });
  });
}

test('whiteouts become removals, blind paths and the marks of aufs nothing', async (t) => {
  const layer = await pack([
    { path: 'a', type: 'directory' },
    { path: 'a/.wh.gone' },
    { path: 'b', type: 'directory' },
    { path: 'b/.wh..wh..opq' },
    { path: 'b/new' },
    { path: '.wh.top' },
    { path: '.wh..wh.plnk', type: 'directory' },
    { path: 'etc/.wh.hosts' },
    { path: 'dev/.wh.console' },
    { path: '.wh..dockerenv' },
    { path: 'etc/resolv.conf' },
    { path: 'proc', type: 'directory' },
  ]);
  const saved = await saveTopLayer(Readable.from(await packOci([base, layer])), known, await createFolder(t));
  const { changes } = await readDelta(saved ?? { file: '' });
  const names = changes.map((change) =>
    change.op === 'remove' ? `- ${change.path}` : `+ ${change.entry.path}`,
  );
  t.deepEqual(names, ['- a/gone', '- b', '- top', '+ a', '+ b', '+ b/new']);
});

test('file capabilities are told; a link to nothing is refused', async (t) => {
  const block = {
    name: Buffer.from('bin/ping'),
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 0,
    device: { major: 0, minor: 0 },
  };
  const pax = encodePax(new Map([['SCHILY.xattr.security.capability', Buffer.from([1, 0, 0, 2])]]));
  const linkName = Buffer.alloc(0);
  const layer = Buffer.concat([
    encodeTarBlock({ ...block, linkName, flag: 'x', size: pax.length }),
    pax,
    Buffer.alloc(512 - pax.length),
    encodeTarBlock({ ...block, linkName, flag: '0' }),
    Buffer.alloc(1024),
  ]);
  const saved = await saveTopLayer(Readable.from(await packOci([base, layer])), known, await createFolder(t));
  t.deepEqual((await readDelta(saved ?? { file: '' })).attributed, [
    { path: 'bin/ping', names: ['security.capability'] },
  ]);
  const dangling = Buffer.concat([
    encodeTarBlock({ ...block, flag: '1', linkName: Buffer.from('no') }),
    Buffer.alloc(1024),
  ]);
  const other = await saveTopLayer(
    Readable.from(await packOci([base, dangling])),
    known,
    await createFolder(t),
  );
  t.like(await t.throwsAsync(readDelta(other ?? { file: '' })), { code: 'docker-answer' });
});
