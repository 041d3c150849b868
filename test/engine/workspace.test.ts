import test, { type ExecutionContext } from 'ava';
import { createWorkspace } from '#src/engine/workspace.js';
import { noCache, openCache } from '#src/io/cache.js';
import { holdBytes } from '#src/io/spool.js';
import type { Image } from '#src/model/archive.js';
import type { Change } from '#src/model/change.js';
import type { Executor, OpenWorkspace } from '#src/model/engine.js';
import type { Entry } from '#src/model/entry.js';
import type { Plan } from '#src/model/plan.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  openBytes,
  signal,
  symlink,
} from '../fixtures/archive.js';

const stamp = 5000;
const plan = { reads: ['etc/passwd'] } as unknown as Plan;
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

/** An executor that does what the test says and remembers what it was told. */
function createFake(pulled: readonly Change[] = []) {
  const pushed: string[][] = [];
  const executor: Executor = {
    push: async (changes) =>
      void pushed.push(
        changes.map((change) => (change.op === 'put' ? `put ${change.entry.path}` : `remove ${change.path}`)),
      ),
    run: async () => ({ exitCode: 0, output: '' }),
    pull: async () => pulled,
    take: async () => {},
    warnings: () => ['from the executor'],
    [Symbol.asyncDispose]: async () => void pushed.push(['closed']),
  };
  return { executor, pushed };
}

async function open(t: ExecutionContext, fake?: ReturnType<typeof createFake>): Promise<OpenWorkspace> {
  const image = await openBytes(t, archive);
  const commands = fake === undefined ? undefined : { blind: ['etc/hosts'], open: async () => fake.executor };
  return createWorkspace(image, plan, { signal, log: () => {}, stamp, cache: noCache }, commands);
}

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

test('a path goes through the symlinks of the image, and missing parents are made', async (t) => {
  const workspace = await open(t);
  await workspace.put({ path: 'lib/new/x', type: 'file', content: Buffer.from('x') });
  t.deepEqual(list(await workspace.changes()), ['put usr/lib/new 5000', 'put usr/lib/new/x 5000']);
  t.deepEqual(await workspace.list('/lib'), ['new']);
  t.is(Buffer.from(await workspace.read('lib/new/x')).toString(), 'x');
});

test('what is as it was is no change', async (t) => {
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

test('refuses to put a file over a directory, below a file, or where symlinks loop', async (t) => {
  const workspace = await open(t);
  await t.throwsAsync(workspace.put({ path: 'etc', type: 'file' }), { code: 'path-is-directory' });
  await t.throwsAsync(workspace.put({ path: 'etc/passwd/x', type: 'file' }), { code: 'path-not-directory' });
  await workspace.put({ path: 'loop', type: 'symlink', target: 'loop' });
  await t.throwsAsync(workspace.put({ path: 'loop/x', type: 'file' }), { code: 'path-loop' });
  await t.throwsAsync(workspace.read('etc'), { code: 'path-not-file' });
  await t.throwsAsync(workspace.run(['true']), { code: 'no-commands' });
});

test('the executor is opened by the first command, told everything once, and closed', async (t) => {
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

test('of what an engine reports only real differences stay', async (t) => {
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
  t.deepEqual(workspace.warnings(), ['from the executor']);
});

test('an explicit put to a blind path stays, whatever the engine has there', async (t) => {
  const fake = createFake([put('etc/late', 'l')]);
  const workspace = await open(t, fake);
  await workspace.put({ path: 'etc/hosts', type: 'file', content: Buffer.from('mine') });
  await workspace.run(['true']);
  t.deepEqual(list(await workspace.changes()), ['put etc/late 5000', 'put etc/hosts 5000']);
});

test('a hard-link group that a command splits is told, one that it makes is kept', async (t) => {
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
    const commands = { blind: [], open: async () => createFake([root]).executor };
    const options = { signal, log: () => {}, stamp, cache: noCache };
    const workspace = createWorkspace(image, plan, options, commands);
    await workspace.run(['true']);
    return list(await workspace.changes());
  };
  t.deepEqual(await pull(0o755), []);
  t.deepEqual(await pull(0o700), ['put  5000']);
});

test('what is found to differ is not read again to be compared', async (t) => {
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

test('what a plan reads is kept for the next build of the image', async (t) => {
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
    const options = { signal, log: () => {}, stamp, cache };
    const workspace = createWorkspace(counted, plan, options);
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

test('what runs commands is opened while steps look, and told to nobody when no command comes', async (t) => {
  const open = async (fail: boolean, run: boolean) => {
    const fake = createFake();
    const early = fail ? Promise.reject(new Error('no daemon')) : Promise.resolve(fake.executor);
    const commands = { blind: [], open: () => Promise.reject(new Error('twice')), openEarly: () => early };
    const options = { signal, log: () => {}, stamp, cache: noCache };
    const workspace = createWorkspace(await openBytes(t, archive), plan, options, commands);
    workspace.expectCommands();
    if (run) await workspace.run(['true']);
    t.deepEqual(await workspace.changes(), []);
    await workspace[Symbol.asyncDispose]();
    return fake.pushed;
  };
  t.deepEqual(await open(false, true), [['closed']]);
  t.deepEqual(await open(false, false), [['closed']]);
  t.deepEqual(await open(true, false), []);
  await t.throwsAsync(open(true, true), { message: 'no daemon' });
});

test('a workspace goes on from a state: it is pushed before the first command, and is told again', async (t) => {
  const fake = createFake();
  const image = await openBytes(t, archive);
  const from = {
    changes: [{ op: 'remove', path: 'one' } as const, put('etc/x', 'x'), put('etc/hosts', 'mine')],
    warnings: ['kept'],
  };
  const commands = { blind: ['etc/hosts'], open: async () => fake.executor };
  const workspace = createWorkspace(
    image,
    plan,
    { signal, log: () => {}, stamp, cache: noCache, from },
    commands,
  );
  t.deepEqual(list(await workspace.changes()), ['remove one', 'put etc/x 5000', 'put etc/hosts 5000']);
  t.deepEqual(workspace.warnings(), ['kept']);
  await workspace.run(['true']);
  t.deepEqual(fake.pushed, [['put etc/x', 'remove one']]);
});

test('a state is told when it is known, never after another command, and not with losses', async (t) => {
  const told: string[] = [];
  const tell = (name: string) => () => void told.push(name);
  const fake = createFake([put('etc/x', 'x')]);
  const workspace = await open(t, { ...fake, executor: { ...fake.executor, warnings: () => [] } });
  workspace.whenKnown(tell('at once'));
  await workspace.run(['true']);
  workspace.whenKnown(tell('never'));
  await workspace.run(['true']);
  workspace.whenKnown(({ changes }) => told.push(...list(changes)));
  t.deepEqual(told, ['at once']);
  await workspace.put({ path: 'etc/y', type: 'file' });
  t.deepEqual(told, ['at once', 'put etc/x 5000'], 'without what was put after it');
  const losing = await open(t, fake);
  await losing.run(['true']);
  losing.whenKnown(tell('lost'));
  await losing.changes();
  t.false(told.includes('lost'));
});
