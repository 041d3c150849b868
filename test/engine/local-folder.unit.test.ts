import {
  linkSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Bodies, createBodies } from '#src/engine/local/bodies.js';
import { compareSnapshot, type Snapshot } from '#src/engine/local/delta.js';
import { createMissing, removeCreated, resolveInside } from '#src/engine/local/mount-points.js';
import { applyChanges } from '#src/engine/local/push.js';
import { createFolder, type Folder } from '#src/folder/folder.js';
import { materialiseImage } from '#src/folder/materialise.js';
import { walkFolder } from '#src/folder/walk.js';
import { createScratch } from '#src/io/place/scratch.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Change } from '#src/model/image/change.js';
import type { Entry } from '#src/model/image/entry.js';
import { collect, createMemoryArchive, type Sketch, sketchEntry } from '../fixtures/memory-archive.js';
import { declareTest, notRoot } from '../fixtures/needs.js';

const signal = new AbortController().signal;
const directory = (path: string, rest: Partial<Sketch> = {}) =>
  sketchEntry({ path, type: 'directory', ...rest });

interface Unpacked {
  readonly folder: Folder;
  readonly scratch: string;
  readonly bodies: Bodies;
  readonly before: Snapshot;
  /** The delta as texts (`put etc/x file 644`), and as changes. */
  compare(): Promise<{ told: string[]; changes: Change[] }>;
  push(...changes: Change[]): Promise<void>;
}

async function inFolder(
  entries: readonly Entry[],
  work: (unpacked: Unpacked) => Promise<void>,
): Promise<void> {
  await using scratch = await createScratch();
  const folder = createFolder(join(scratch.path, 'root'));
  await mkdir(folder.path);
  await materialiseImage(createMemoryArchive(entries), { folder, signal });
  const before = new Map(
    [...(await walkFolder(folder, new Set(), signal))].map(([path, { signature }]) => [path, signature]),
  );
  const bodies = createBodies(folder, join(scratch.path, 'bodies'));
  await work({
    folder,
    scratch: scratch.path,
    bodies,
    before,
    push: (...changes) => applyChanges(changes, folder, join(scratch.path, 'incoming'), signal),
    async compare() {
      const changes = compareSnapshot(before, await walkFolder(folder, new Set(), signal), folder, bodies);
      return { changes, told: changes.map(tell) };
    },
  });
}

function tell(change: Change): string {
  if (change.op === 'remove') return `remove ${change.path}`;
  const { path, type, mode } = change.entry;
  return `put ${path} ${type} ${mode.toString(8)}`;
}

function asRoot(title: string, work: (t: ExecutionContext) => Promise<void>): void {
  declareTest(notRoot, title, work);
}

const bodyOf = async (changes: readonly Change[], path: string) => {
  const found = changes.find((change) => change.op === 'put' && change.entry.path === path);
  return found?.op === 'put' ? (await collect(found.entry.body())).toString() : undefined;
};

asRoot(
  'sparse files are refused by their size in all, before any is read; names of one file count once',
  async (t) => {
    await inFolder([directory('')], async ({ folder, compare }) => {
      const make = (name: string) => {
        writeFileSync(folder.locate(name), '');
        truncateSync(folder.locate(name), 0xffffffff);
      };
      for (const name of ['a', 'b', 'c', 'd']) make(name);
      linkSync(folder.locate('a'), folder.locate('other'));
      t.is((await compare()).changes.length, 6);
      make('e');
      t.like(await t.throwsAsync(compare), { kind: 'failed', code: 'file-too-large', path: 'e' });
    });
  },
);

asRoot('an image is unpacked with exact metadata, and nothing differs from it afterwards', async (t) => {
  const entries = [
    directory('', { mode: 0o711, mtime: 5 }),
    directory('closed', { mode: 0, uid: 12, gid: 34, mtime: 6 }),
    directory('tmp', { mode: 0o1777 }),
    sketchEntry({ path: 'closed/su', mode: 0o4751, uid: 7, gid: 8, mtime: 4294967295, content: 'suid' }),
    sketchEntry({ path: 'none', mode: 0, content: '' }),
    sketchEntry({ path: 'caf\udce9', content: 'latin 1' }),
    sketchEntry({ path: 'to', type: 'symlink', target: '../\udcff', uid: 3, gid: 4, mtime: 77 }),
    sketchEntry({ path: 'one', content: 'shared', link: 'a' }),
    sketchEntry({ path: 'two', content: 'shared', link: 'a' }),
    sketchEntry({ path: 'nobody', uid: 0xffffffff, gid: 0xffffffff }),
    sketchEntry({ path: 'pipe', type: 'fifo' }),
    sketchEntry({ path: 'null', type: 'character', device: { major: 1, minor: 3 } }),
    sketchEntry({ path: 'sock', type: 'socket' }),
  ];
  await inFolder(entries, async ({ folder, compare }) => {
    const at = (path: string) => {
      const { mode, uid, gid, mtimeMs } = lstatSync(folder.locate(path));
      return [mode & 0o7777, uid, gid, mtimeMs / 1000];
    };
    t.deepEqual(at(''), [0o711, 0, 0, 5]);
    t.deepEqual(at('closed'), [0, 12, 34, 6]);
    t.deepEqual(at('tmp'), [0o1777, 0, 0, 1_000_000_000]);
    t.deepEqual(at('closed/su'), [0o4751, 7, 8, 4294967295]);
    t.deepEqual(at('none'), [0, 0, 0, 1_000_000_000]);
    t.deepEqual(at('nobody').slice(1, 3), [0, 0]);
    t.deepEqual(at('to').slice(1), [3, 4, 77]);
    t.deepEqual(readlinkSync(folder.locate('to'), { encoding: 'buffer' }), Buffer.from('../\xff', 'latin1'));
    t.is(readFileSync(folder.locate('caf\udce9'), 'utf8'), 'latin 1');
    t.is(lstatSync(folder.locate('one')).ino, lstatSync(folder.locate('two')).ino);
    t.is(readFileSync(folder.locate('one'), 'utf8'), 'shared');
    const names = await readdir(folder.path, { encoding: 'buffer' });
    t.false(names.some((name) => ['pipe', 'null', 'sock'].includes(name.toString())));
    t.deepEqual((await compare()).told, []);
  });
});

for (const [what, path, code] of [
  ['through a symlink', 'out/passwd', 'parent-missing'],
  ['through a file', 'plain/x', 'parent-missing'],
  ['above the root', '../escaped', 'parent-missing'],
  ['with an empty part', '/shadow', 'unsafe-path'],
  ['with dots', '.', 'unsafe-path'],
] as const) {
  asRoot(`an image cannot write ${what}`, async (t) => {
    await using outside = await createScratch();
    const entries = [
      directory(''),
      sketchEntry({ path: 'out', type: 'symlink', target: outside.path }),
      sketchEntry({ path: 'plain' }),
      sketchEntry({ path, content: 'x' }),
    ];
    const error = await t.throwsAsync(
      inFolder(entries, async () => {}),
      { instanceOf: MobyPatchError },
    );
    t.is(error?.code, code);
    t.deepEqual(await readdir(outside.path), ['.owner']);
  });
}

asRoot('a push cannot write or remove through a symlink', async (t) => {
  await using outside = await createScratch();
  await writeFile(join(outside.path, 'kept'), 'kept');
  await inFolder([directory('')], async ({ folder, push }) => {
    symlinkSync(outside.path, folder.locate('out'));
    const put: Change = { op: 'put', entry: sketchEntry({ path: 'out/kept', content: 'changed' }) };
    const error = await t.throwsAsync(push(put), { instanceOf: MobyPatchError });
    t.is(error?.code, 'parent-missing');
    await push({ op: 'remove', path: 'out/kept' });
    await push({ op: 'remove', path: 'out' });
    t.is(readFileSync(join(outside.path, 'kept'), 'utf8'), 'kept');
    t.deepEqual(await readdir(folder.path), []);
  });
});

asRoot('what is pushed differs from the image, also when it replaces the same bytes', async (t) => {
  const entries = [
    directory(''),
    directory('etc'),
    directory('old'),
    sketchEntry({ path: 'old/x' }),
    sketchEntry({ path: 'etc/a', content: 'a' }),
  ];
  await inFolder(entries, async ({ compare, push }) => {
    await push(
      { op: 'put', entry: sketchEntry({ path: 'etc/a', content: 'a' }) },
      { op: 'put', entry: directory('etc/new.d', { mode: 0o700 }) },
      { op: 'put', entry: sketchEntry({ path: 'etc/new.d/b', content: 'b', link: 'g' }) },
      { op: 'put', entry: sketchEntry({ path: 'etc/new.d/c', content: 'b', link: 'g' }) },
      { op: 'put', entry: sketchEntry({ path: 'old', content: 'now a file' }) },
    );
    const { told, changes } = await compare();
    t.deepEqual(told, [
      'remove old',
      'put etc/a file 644',
      'put etc/new.d directory 700',
      'put etc/new.d/b file 644',
      'put etc/new.d/c file 644',
      'put old file 644',
    ]);
    const links = changes.flatMap((change) =>
      change.op === 'put' && change.entry.link ? [change.entry.link] : [],
    );
    t.is(links.length, 2);
    t.is(new Set(links).size, 1);
    t.is(await bodyOf(changes, 'etc/new.d/c'), 'b');
  });
});

asRoot('a pushed name of a hard-link group leaves the other names alone', async (t) => {
  const group = ['one', 'two'].map((path) => sketchEntry({ path, content: 'shared', link: 'a' }));
  await inFolder([directory(''), ...group], async ({ folder, push }) => {
    await push({ op: 'put', entry: sketchEntry({ path: 'one', content: 'alone' }) });
    t.is(readFileSync(folder.locate('one'), 'utf8'), 'alone');
    t.is(readFileSync(folder.locate('two'), 'utf8'), 'shared');
  });
});

asRoot('a body stays what it was when the folder goes on changing', async (t) => {
  await inFolder([directory('')], async ({ folder, bodies, compare, push }) => {
    await writeFile(folder.locate('a'), 'first');
    const { changes } = await compare();
    await bodies.preserve();
    await writeFile(folder.locate('a'), 'second');
    t.is(await bodyOf(changes, 'a'), 'first');
    const later = (await compare()).changes;
    await bodies.preserve();
    await push({ op: 'remove', path: 'a' });
    t.is(await bodyOf(changes, 'a'), 'first');
    t.is(await bodyOf(later, 'a'), 'second');
  });
});

asRoot('a file that no initrd can hold is refused', async (t) => {
  await inFolder([directory('')], async ({ folder, compare }) => {
    await writeFile(folder.locate('sparse'), '');
    await truncate(folder.locate('sparse').toString(), 2 ** 32);
    const error = await t.throwsAsync(compare(), { instanceOf: MobyPatchError });
    t.deepEqual([error?.code, error?.path], ['file-too-large', 'sparse']);
  });
});

asRoot('mount points are found inside the root and leave no trace', async (t) => {
  const entries = [
    directory(''),
    directory('etc', { mtime: 9 }),
    sketchEntry({
      path: 'etc/resolv.conf',
      type: 'symlink',
      target: '../../../run/systemd/resolve/stub.conf',
    }),
    sketchEntry({ path: 'etc/absolute', type: 'symlink', target: '/etc/absolute.real' }),
    sketchEntry({ path: 'etc/loop', type: 'symlink', target: 'loop' }),
  ];
  await inFolder(entries, async ({ folder, compare }) => {
    t.is(resolveInside(folder, 'etc/resolv.conf'), 'run/systemd/resolve/stub.conf');
    t.is(resolveInside(folder, 'etc/absolute'), 'etc/absolute.real');
    t.is(resolveInside(folder, 'etc/loop'), undefined);
    const created = [
      ...createMissing(folder, 'run/systemd/resolve/stub.conf', 'file'),
      ...createMissing(folder, 'etc/x', 'file'),
    ];
    t.deepEqual(created, [
      'run',
      'run/systemd',
      'run/systemd/resolve',
      'run/systemd/resolve/stub.conf',
      'etc/x',
    ]);
    removeCreated(folder, created);
    t.deepEqual((await compare()).told, []);
  });
});
