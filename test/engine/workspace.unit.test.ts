import test, { type ExecutionContext } from 'ava';
import { createStreamEngine } from '#src/engine/stream.js';
import { createWorkspace } from '#src/engine/workspace.js';
import { noCache, openCache } from '#src/io/cache.js';
import { holdBytes } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Change } from '#src/model/image/change.js';
import type { Entry } from '#src/model/image/entry.js';
import type { Engine, Executor, OpenWorkspace, WorkspaceState } from '#src/model/patch/engine.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  openBytes,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { createFake } from './fake-root.js';

const stamp = 5000;
const reads = ['etc/passwd'];
const link = { ino: 40, nlink: 2 };
const archive = createArchive([
  directory('.'),
  directory('usr', { mtime: 1 }),
  directory('usr/lib', { mtime: 1 }),
  symlink('lib', 'usr/lib'),
  directory('etc', { mtime: 1 }),
  file('etc/passwd', 'root', { mtime: 1 }),
  file('etc/hosts', 'stock', { mtime: 1 }),
  file('one', '', link),
  file('two', 'linked', link),
]);

async function open(t: ExecutionContext, fake?: ReturnType<typeof createFake>): Promise<OpenWorkspace> {
  const image = await openBytes(t, archive);
  return openOn(image, fake && createEngine({ start: async () => fake.root }));
}

/** An engine with this executor. */
const createEngine = (executor: Executor): Engine => ({
  name: 'local',
  offers: ['commands'],
  blind: ['etc/hosts'],
  probe: async () => ({ ready: true, reason: '' }),
  executor: () => executor,
});

const openOn = (image: Image, engine = createStreamEngine(), from?: WorkspaceState) =>
  createWorkspace({ image, engine, reads, stamp, from, signal, log: () => {}, cache: noCache });

const entry = (path: string, content: string, fields: Partial<Entry> = {}): Entry => {
  const body = holdBytes(Buffer.from(content));
  return {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 9999,
    size: body.size,
    ...fields,
    body: () => body.body(),
  };
};
const put = (...args: Parameters<typeof entry>): Change => ({ op: 'put', entry: entry(...args) });
const list = (changes: readonly Change[]) =>
  changes.map((change) =>
    change.op === 'put' ? `put ${change.entry.path} ${change.entry.mtime}` : `remove ${change.path}`,
  );

test('a path follows the symlinks of the image, and missing parents are created', async (t) => {
  const workspace = await open(t);
  await workspace.put({ path: 'lib/new/x', type: 'file', content: Buffer.from('x') });
  t.deepEqual(list(await workspace.changes()), ['put usr/lib/new 5000', 'put usr/lib/new/x 5000']);
  t.deepEqual(await workspace.list('/lib'), ['new']);
  t.is(Buffer.from(await workspace.read('lib/new/x')).toString(), 'x');
});

test('what ends as it was is no change', async (t) => {
  const workspace = await open(t);
  await workspace.put({ path: 'etc/passwd', type: 'file', content: Buffer.from('root') });
  await workspace.put({ path: 'etc', type: 'directory' });
  await workspace.put({ path: 'etc/x', type: 'file', content: Buffer.from('x') });
  t.true(await workspace.remove('etc/x'));
  t.false(await workspace.remove('etc/x'));
  t.deepEqual(await workspace.changes(), []);
});

test('a directory that is put again keeps its time, a file without content its body', async (t) => {
  const workspace = await open(t);
  await workspace.put({ path: 'etc', type: 'directory', mode: 0o700 });
  await workspace.put({ path: 'etc/passwd', type: 'file', mode: 0o600 });
  t.deepEqual(list(await workspace.changes()), ['put etc 1', 'put etc/passwd 5000']);
  t.is(Buffer.from(await workspace.read('etc/passwd')).toString(), 'root');
});

test('restore brings back what the image had', async (t) => {
  const workspace = await open(t);
  await workspace.remove('etc');
  await workspace.put({ path: 'etc/x', type: 'file' });
  await workspace.restore('etc');
  t.deepEqual(await workspace.changes(), []);
  t.is(Buffer.from(await workspace.read('etc/passwd')).toString(), 'root');
});

test('a symlink has the mode that a kernel gives it, whatever an archive said', async (t) => {
  const workspace = await open(t);
  await workspace.put({ path: 'link', type: 'symlink', target: 'one', mode: 0o644 });
  t.is((await workspace.stat('link'))?.mode, 0o777);
});

test('refuses to put a file over a directory, below a file, or where symlinks loop', async (t) => {
  const workspace = await open(t);
  await t.throwsAsync(workspace.put({ path: 'etc', type: 'file' }), { code: 'path-is-directory' });
  await t.throwsAsync(workspace.put({ path: 'etc/passwd/x', type: 'file' }), { code: 'path-not-directory' });
  await workspace.put({ path: 'loop', type: 'symlink', target: 'loop' });
  await t.throwsAsync(workspace.put({ path: 'loop/x', type: 'file' }), { code: 'path-loop' });
  await t.throwsAsync(workspace.read('etc'), { code: 'path-not-file' });
  await t.throwsAsync(workspace.run(['true']), { code: 'no-commands' });
});

test('the first command starts the executor; each change is pushed once; closing the workspace closes the root', async (t) => {
  const fake = createFake();
  const workspace = await open(t, fake);
  await workspace.put({ path: 'etc/x', type: 'file' });
  await workspace.put({ path: 'etc/hosts', type: 'file', content: Buffer.from('mine') });
  t.deepEqual(fake.pushed, []);
  await workspace.run(['true']);
  await workspace.run(['true']);
  await workspace[Symbol.asyncDispose]();
  t.deepEqual(fake.pushed, [['put etc/x'], ['closed']]);
});

test('only real differences remain of what an engine reports', async (t) => {
  const fake = createFake([
    put('etc', '', { type: 'directory', mode: 0o755, size: 0 }),
    put('etc/passwd', 'root'),
    put('one', 'linked', { link: 'x' }),
    put('two', 'linked', { link: 'x' }),
    put('etc/early', 'e', { mtime: 3 }),
    put('etc/late', 'l'),
    { op: 'remove', path: 'never/was' },
  ]);
  const workspace = await open(t, fake);
  await workspace.run(['true']);
  t.deepEqual(list(await workspace.changes()), ['put etc/early 3', 'put etc/late 5000']);
  t.deepEqual(workspace.warnings(), ['from the root']);
});

test('an explicit put to a blind path stays, whatever the engine has there', async (t) => {
  const fake = createFake([put('etc/late', 'l')]);
  const workspace = await open(t, fake);
  await workspace.put({ path: 'etc/hosts', type: 'file', content: Buffer.from('mine') });
  await workspace.run(['true']);
  t.deepEqual(list(await workspace.changes()), ['put etc/late 5000', 'put etc/hosts 5000']);
});

test('a hard-link group that a command splits is a warning, and one that it creates stays', async (t) => {
  const split = await open(t, createFake([put('one', 'changed')]));
  await split.run(['true']);
  await split.changes();
  t.true(
    split.warnings().some((warning) => /hard links split: one changed, two kept/.test(warning)),
    split.warnings().join(),
  );
  const joined = await open(
    t,
    createFake([put('etc/passwd', 'root', { link: 'y' }), put('etc/alias', 'root', { link: 'y' })]),
  );
  await joined.run(['true']);
  t.is((await joined.changes()).length, 2);
});

test('a replaced symlink of the same name, a changed owner and a changed device are differences', async (t) => {
  const fake = createFake([
    put('lib', '', { type: 'symlink', mode: 0o777, target: 'lib64', size: 5 }),
    put('etc/passwd', 'root', { uid: 7 }),
  ]);
  const workspace = await open(t, fake);
  await workspace.run(['true']);
  t.is((await workspace.changes()).length, 2);
});

test('the root of an image that has no entry for it differs by more than its time', async (t) => {
  const image = await openBytes(t, createArchive([directory('etc')]));
  const pull = async (mode: number) => {
    const root = { op: 'put', entry: entry('', '', { type: 'directory', mode }) } as const;
    const workspace = openOn(image, createEngine({ start: async () => createFake([root]).root }));
    await workspace.run(['true']);
    return list(await workspace.changes());
  };
  t.deepEqual(await pull(0o755), []);
  t.deepEqual(await pull(0o700), ['put  5000']);
});

test('a file that differs is read once to be compared', async (t) => {
  let reads = 0;
  const same = entry('etc/passwd', 'toor');
  const counted: Entry = {
    ...same,
    body() {
      reads += 1;
      return same.body();
    },
  };
  const workspace = await open(t, createFake([{ op: 'put', entry: counted }]));
  await workspace.run(['true']);
  await workspace.stat('etc');
  t.deepEqual(list(await workspace.changes()), ['put etc/passwd 5000']);
  t.is(reads, 1);
});

test('what a plan reads is cached for the next build of the image', async (t) => {
  const cache = openCache(await createTestFolder(t), t.fail);
  const read = async (passes: number) => {
    const image = await openBytes(t, archive);
    let passed = 0;
    const counted: Image = {
      ...image,
      bodies(wanted) {
        passed += 1;
        return image.bodies(wanted);
      },
    };
    const engine = createStreamEngine();
    const options = { signal, log: () => {}, stamp, cache };
    const workspace = createWorkspace({ image: counted, engine, reads, ...options });
    t.is(Buffer.from(await workspace.read('etc/passwd')).toString(), 'root');
    t.is(
      Buffer.from(await workspace.read('etc/hosts')).toString(),
      'stock',
      'what it does not say is read too',
    );
    t.is(passed, passes);
  };
  await read(1);
  await read(0);
});

test('a root that is there starts while steps look, and its error surfaces at a command', async (t) => {
  const open = async (fail: boolean, run: boolean) => {
    const fake = createFake();
    let starts = 0;
    const start = () => {
      starts += 1;
      return fail ? Promise.reject(new Error('no daemon')) : Promise.resolve(fake.root);
    };
    const engine = createEngine({ hasRoot: async () => true, start });
    const workspace = openOn(await openBytes(t, archive), engine);
    workspace.expectCommands();
    if (run) await workspace.run(['true']);
    t.deepEqual(await workspace.changes(), []);
    await workspace[Symbol.asyncDispose]();
    t.is(starts, 1);
    return fake.pushed;
  };
  t.deepEqual(await open(false, true), [['closed']]);
  t.deepEqual(await open(false, false), [['closed']]);
  t.deepEqual(await open(true, false), []);
  await t.throwsAsync(open(true, true), { message: 'no daemon' });
});

test('a root that must be made first is not started for a command that may never come', async (t) => {
  for (const hasRoot of [undefined, async () => false]) {
    const start = () => Promise.reject(new Error('started'));
    const executor = hasRoot === undefined ? { start } : { start, hasRoot };
    const workspace = openOn(await openBytes(t, archive), createEngine(executor));
    workspace.expectCommands();
    t.deepEqual(await workspace.changes(), []);
    await workspace[Symbol.asyncDispose]();
  }
});

test('what runs commands can end before the workspace is closed', async (t) => {
  const fake = createFake();
  const workspace = await open(t, fake);
  await workspace.run(['true']);
  workspace.endCommands();
  await workspace[Symbol.asyncDispose]();
  t.deepEqual(fake.pushed, [['stopped'], ['closed']]);
});

test('a workspace begins with a state, which is pushed before the first command', async (t) => {
  const fake = createFake();
  const image = await openBytes(t, archive);
  const from = {
    changes: [{ op: 'remove', path: 'one' } as const, put('etc/x', 'x'), put('etc/hosts', 'mine')],
    warnings: ['cached'],
  };
  const workspace = openOn(image, createEngine({ start: async () => fake.root }), from);
  t.deepEqual(list(await workspace.changes()), ['remove one', 'put etc/x 5000', 'put etc/hosts 5000']);
  t.deepEqual(workspace.warnings(), ['cached']);
  await workspace.run(['true']);
  t.deepEqual(fake.pushed, [['put etc/x', 'remove one']]);
});

test('a checkpoint has the state before all that follows, and none where another command follows', async (t) => {
  const fake = createFake([put('etc/x', 'x')]);
  const workspace = await open(t, { ...fake, root: { ...fake.root, warnings: () => [] } });
  const recorded = () =>
    [...workspace.checkpoints()].map(([id, { changes }]) => `${id}: ${list(changes).join(', ')}`);
  workspace.checkpoint('before');
  t.deepEqual(recorded(), ['before: ']);
  await workspace.run(['true']);
  workspace.checkpoint('overrun');
  await workspace.run(['true']);
  workspace.checkpoint('after');
  t.deepEqual(recorded(), ['before: ']);
  await workspace.put({ path: 'etc/y', type: 'file' });
  t.deepEqual(recorded(), ['before: ', 'after: put etc/x 5000'], 'without what was put after it');
});

test('a checkpoint that a later command could not begin with is not recorded', async (t) => {
  const losing = await open(t, createFake([put('etc/x', 'x')]));
  await losing.run(['true']);
  losing.checkpoint('writes that were lost');
  await losing.changes();
  t.is(losing.checkpoints().size, 0);
  const fake = createFake([put('fifo', '', { type: 'fifo' })]);
  const special = await open(t, { ...fake, root: { ...fake.root, warnings: () => [] } });
  await special.run(['true']);
  special.checkpoint('a fifo');
  await special.changes();
  t.is(special.checkpoints().size, 0);
});

test('a file that is too large to be edited is named with its size', async (t) => {
  await using workspace = await open(t);
  await workspace.put({ path: 'etc/large', type: 'file', content: new Uint8Array(2 ** 24 + 1) });
  await t.throwsAsync(workspace.read('etc/large'), { message: /file of 16777217 bytes, wanted at most/ });
});
