import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import type { StepOutcome } from '#src/model/patch/patch.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { createMemoryWorkspace, type MemoryWorkspace, type Tree } from '../fixtures/memory-workspace.js';

const context = { payload: new Map(), stamp: 1_700_000_000, at: { file: 'patch.yaml', line: 3, column: 5 } };

/** Applies one step with the value of a patch file. */
async function apply(at: MemoryWorkspace, kind: string, value: unknown): Promise<StepOutcome> {
  const definition = stepDefinitions.get(kind);
  if (!definition) throw new Error(kind);
  return definition.apply(definition.schema.parse(value), context, at);
}

async function refuse(
  t: ExecutionContext,
  tree: Tree,
  kind: string,
  value: unknown,
): Promise<MobyPatchError> {
  const at = createMemoryWorkspace(tree);
  const before = at.tree();
  const error = await t.throwsAsync<MobyPatchError>(() => apply(at, kind, value));
  t.deepEqual(at.tree(), before, 'a step that fails changes nothing');
  t.like(error, { kind: 'failed', path: 'patch.yaml:3:5' });
  return error;
}

/** The step changes the tree once, and the second time it does nothing. */
async function settle(
  t: ExecutionContext,
  at: MemoryWorkspace,
  kind: string,
  value: unknown,
): Promise<StepOutcome> {
  const outcome = await apply(at, kind, value);
  t.true(outcome.changed);
  const after = at.tree();
  t.like(await apply(at, kind, value), { changed: false });
  t.deepEqual(at.tree(), after);
  return outcome;
}

test('file writes what differs, and nothing else', async (t) => {
  const at = createMemoryWorkspace({ 'etc/motd': 'old' });
  await settle(t, at, 'file', { path: '/etc//motd', content: 'new', mode: 0o600, uid: 1 });
  t.like(await at.stat('etc/motd'), { mode: 0o600, uid: 1, gid: 0 });
  t.is(await at.text('etc/motd'), 'new');
  // Same length, another byte; another mode; an empty file.
  await settle(t, at, 'file', { path: 'etc/motd', content: 'neW', mode: 0o600, uid: 1 });
  await settle(t, at, 'file', { path: 'etc/motd', content: 'neW', mode: '0755' });
  await settle(t, at, 'file', { path: 'a/b/c', content: '' });
});

test('directory keeps its content', async (t) => {
  const at = createMemoryWorkspace({ 'srv/x': 'x' });
  await settle(t, at, 'directory', { path: 'srv', mode: 0o1777 });
  await settle(t, at, 'directory', { path: 'a/b' });
  t.is(await at.text('srv/x'), 'x');
});

test('directory goes through a link to a directory, and takes the place of nothing else', async (t) => {
  const at = createMemoryWorkspace({
    lib: '-> usr/lib',
    'usr/lib/x': 'x',
    file: '',
    gone: '-> nowhere',
  });
  await settle(t, at, 'directory', { path: 'lib', mode: 0o711 });
  t.is(at.tree().lib, '-> usr/lib');
  t.is((await at.stat('usr/lib'))?.mode, 0o711);
  for (const path of ['file', 'gone']) {
    const error = await refuse(t, { file: '', gone: '-> nowhere' }, 'directory', { path });
    t.is(error.code, 'directory-type');
  }
});

test('symlink replaces a file or a link, but no directory', async (t) => {
  const at = createMemoryWorkspace({ a: 'file' });
  await settle(t, at, 'symlink', { path: 'a', target: '../b' });
  await settle(t, at, 'symlink', { path: 'a', target: 'c' });
  const error = await refuse(t, { 'd/x': '' }, 'symlink', { path: 'd', target: 'e' });
  t.is(error.code, 'symlink-over-directory');
});

test('remove takes a whole tree, and a missing path is an error unless it may be missing', async (t) => {
  const at = createMemoryWorkspace({ 'a/b/c': '', 'a/bc': '' });
  t.deepEqual(await apply(at, 'remove', 'a/b'), { changed: true });
  t.deepEqual(Object.keys(at.tree()), ['a', 'a/bc']);
  t.deepEqual(await apply(at, 'remove', { path: 'a/b', missing: 'ok' }), { changed: false });
  const error = await refuse(t, { 'etc/motd': '' }, 'remove', 'etc/modt');
  t.regex(error.message, /did you mean "motd"/);
});

test('mode keeps the content', async (t) => {
  const at = createMemoryWorkspace({ a: { content: Buffer.from('text'), uid: 7 }, d: null, 'd/x': 'x' });
  await settle(t, at, 'mode', { path: 'a', mode: 0o4755 });
  t.like(await at.stat('a'), { mode: 0o4755, uid: 7 });
  t.is(await at.text('a'), 'text');
  await settle(t, at, 'mode', { path: 'd', gid: 5 });
  t.is(await at.text('d/x'), 'x');
  t.regex((await refuse(t, { l: '-> a' }, 'mode', { path: 'l', mode: 0o755 })).message, /a symlink to a/);
  t.regex((await refuse(t, {}, 'mode', { path: 'l', mode: 0o755 })).message, /found nothing/);
});

test('replace requires a match, or as many as it names', async (t) => {
  const tree = { conf: { content: Buffer.from('a=1\nb=1\n'), mode: 0o640, uid: 3 }, link: '-> conf' };
  const at = createMemoryWorkspace(tree);
  t.like(await apply(at, 'replace', { path: 'link', pattern: '^(.)=1$', with: '$1=2', count: 2 }), {
    changed: true,
    notes: ['2 replaced'],
  });
  t.is(await at.text('conf'), 'a=2\nb=2\n');
  t.like(await at.stat('conf'), { mode: 0o640, uid: 3 });
  t.like(await at.stat('link'), { type: 'symlink' });
  t.true((await apply(at, 'replace', { path: 'conf', text: 'a=2', with: '$&' })).changed);
  t.is(await at.text('conf'), '$&\nb=2\n');
  t.is((await refuse(t, tree, 'replace', { path: 'conf', text: 'c', with: '' })).code, 'replace-mismatch');
  const count = await refuse(t, tree, 'replace', { path: 'conf', text: '1', with: '', count: 1 });
  t.regex(count.message, /found 2 matches of "1", wanted 1/);
  t.is((await refuse(t, tree, 'replace', { path: 'no', text: '1', with: '' })).code, 'replace-missing');
});

test('a signal ends a pattern that backtracks for ever', async (t) => {
  const abort = new AbortController();
  const at = createMemoryWorkspace({ f: `${'a'.repeat(60)}b` });
  const definition = stepDefinitions.get('replace');
  const value = definition?.schema.parse({ path: 'f', pattern: '^(a+)+$', with: '' });
  const applying = definition?.apply(value, { ...context, signal: abort.signal }, at);
  // A thread that backtracked here would let no timer run.
  setTimeout(() => abort.abort(), 100);
  t.like(await t.throwsAsync(applying ?? Promise.resolve()), { kind: 'interrupted' });
});

test('a pattern that backtracks for ever is stopped', async (t) => {
  const at = createMemoryWorkspace({ f: `${'a'.repeat(60)}b` });
  for (const [kind, value] of [
    ['replace', { path: 'f', pattern: '^(a+)+$', with: '' }],
    ['line', { path: 'f', line: 'x', replaces: '^(a+)+$' }],
  ] as const) {
    const definition = stepDefinitions.get(kind);
    const brief = { ...context, patternLimit: 0.2 };
    const error = await t.throwsAsync(async () =>
      definition?.apply(definition.schema.parse(value), brief, at),
    );
    t.like(error, { kind: 'failed', code: 'replace-pattern', path: 'patch.yaml:3:5' });
    t.regex(error?.message ?? '', /took more than 0\.2 s/);
  }
  t.is(await at.text('f'), `${'a'.repeat(60)}b`);
});

test('fstab replaces the line of the same mount point', async (t) => {
  const at = createMemoryWorkspace({
    'etc/fstab': '# /Users\nold /Users nfs rw\nx /a ext4 rw 0 1\nold2  /Users nfs\n',
  });
  await settle(t, at, 'fstab', { source: 'h:/My Files', target: '/Users', type: 'nfs', options: 'ro' });
  t.is(await at.text('etc/fstab'), '# /Users\nh:/My\\040Files\t/Users\tnfs\tro\t0 0\nx /a ext4 rw 0 1\n');
  await settle(t, at, 'fstab', { source: '/dev/vdb', target: 'none', type: 'swap' });
  await settle(t, at, 'fstab', { source: '/dev/vdc', target: 'none', type: 'swap' });
  t.is((await at.text('etc/fstab')).match(/swap/g)?.length, 2);
  const empty = createMemoryWorkspace({ 'etc/fstab': 'a /a ext4' });
  await settle(t, empty, 'fstab', { source: 'b', target: '/b', type: 'ext4', pass: 2 });
  t.is(await empty.text('etc/fstab'), 'a /a ext4\nb\t/b\text4\tdefaults\t0 2\n');
  await settle(t, createMemoryWorkspace(), 'fstab', { source: 'b', target: '/b', type: 'ext4' });
});

const openrc: Tree = {
  'etc/init.d/rpcbind': { content: Buffer.from('#!/sbin/openrc-run'), mode: 0o755 },
  'etc/init.d/plain': 'x',
  'etc/runlevels/default': null,
  'etc/runlevels/boot': null,
};

test('service adds to a runlevel and removes from it, and names what the image lacks', async (t) => {
  const at = createMemoryWorkspace(openrc);
  await settle(t, at, 'service', { name: 'rpcbind', runlevel: 'default' });
  t.is(at.tree()['etc/runlevels/default/rpcbind'], '-> /etc/init.d/rpcbind');
  await settle(t, at, 'service', { name: 'rpcbind', runlevel: 'default', enabled: false });
  t.regex(
    (await refuse(t, openrc, 'service', { name: 'rpcbnd', runlevel: 'boot' })).message,
    /did you mean "rpcbind"/,
  );
  t.regex((await refuse(t, openrc, 'service', { name: 'plain', runlevel: 'boot' })).message, /mode 0644/);
  t.regex(
    (await refuse(t, openrc, 'service', { name: 'rpcbind', runlevel: 'defualt' })).message,
    /only boot, default/,
  );
  t.like(await refuse(t, {}, 'service', { name: 'x', runlevel: 'boot' }), { code: 'init-unknown' });
});

const share = { source: 'h:/x', target: '/srv/My-Files', options: 'nolock' };

test('mount writes a line marked noauto, a mount point and a service that fits the image', async (t) => {
  const at = createMemoryWorkspace(openrc);
  const outcome = await settle(t, at, 'mount', share);
  t.deepEqual(outcome.notes, ['h:/x\t/srv/My-Files\tnfs\tnoauto,nolock\t0 0', 'service mount-srv-my-files']);
  t.like(await at.stat('srv/My-Files'), { type: 'directory' });
  const script = await at.text('etc/init.d/mount-srv-my-files');
  t.regex(script, /^\tneed rpcbind$/m);
  t.regex(script, /^\tbefore docker$/m);
  const { 'etc/init.d/rpcbind': _, ...bare } = openrc;
  const other = createMemoryWorkspace(bare);
  await settle(t, other, 'mount', { ...share, name: 'share', before: [] });
  t.notRegex(await other.text('etc/init.d/share'), /^\t(need|before) /m);
  t.like(await refuse(t, { ...openrc, 'srv/My-Files': 'x' }, 'mount', share), { code: 'mount-point-type' });
});

test('run passes environment and rights, and a failure shows the end of the output', async (t) => {
  const at = createMemoryWorkspace({}, (argv) =>
    argv[2] === 'false' ? { exitCode: 3, output: 'a\nwhy\n' } : { exitCode: 0, output: '' },
  );
  t.deepEqual(await apply(at, 'run', 'ldconfig'), { changed: true });
  t.deepEqual(at.commands[0]?.argv.slice(0, 3), ['/bin/sh', '-ec', 'ldconfig']);
  t.like(at.commands[0]?.options, { network: false, timeout: 900 });
  t.like(at.commands[0]?.options.environment, { SOURCE_DATE_EPOCH: '1700000000', LC_ALL: 'C' });
  await apply(at, 'run', { script: 'x', network: true, environment: { A: 'b' } });
  t.like(at.commands[1]?.options, { network: true });
  t.is(at.commands[1]?.options.environment?.A, 'b');
  const error = await t.throwsAsync<MobyPatchError>(() => apply(at, 'run', 'false'));
  t.regex(error.message, /exit code 3, wanted 0; its last lines:\na\nwhy$/);
});

test('a step needs what its value asks for', (t) => {
  const needs = (kind: string, value: unknown) => {
    const definition = stepDefinitions.get(kind);
    return definition?.needs(definition.schema.parse(value));
  };
  t.deepEqual(needs('run', 'x'), ['commands']);
  t.deepEqual(needs('run', { script: 'x', network: true }), ['commands', 'network']);
  t.deepEqual(needs('package', { apk: ['x'] }), ['commands', 'network']);
  t.deepEqual(needs('mount', share), []);
  t.deepEqual(needs('file', { path: 'a', content: '' }), []);
});

test('a value that could end a word or a line never reaches a shell or fstab', (t) => {
  const refused: [string, unknown][] = [
    ['package', { apk: ['a b'] }],
    ['package', { apt: ['-o=x'] }],
    ['package', { apt: ['a;b'] }],
    ['package', {}],
    ['service', { name: '../x', runlevel: 'boot' }],
    ['service', { name: 'x', runlevel: '' }],
    ['fstab', { source: 'a\nb', target: '/b', type: 'x' }],
    ['fstab', { source: '#a', target: '/b', type: 'x' }],
    ['mount', { ...share, target: '/a b' }],
    ['mount', { ...share, target: '/$(reboot)' }],
    ['mount', { ...share, source: 'h:/x\ny' }],
    ['mount', { ...share, options: 'a b' }],
    ['mount', { ...share, before: ['x y'] }],
    ['mount', { ...share, timeout: 0 }],
    ['file', { path: 'a', content: 'x', from: 'y' }],
    ['file', { path: 'a\0b', content: 'x' }],
    ['file', { path: '/', content: 'x' }],
    ['file', { path: 'a'.repeat(256), content: 'x' }],
    ['run', { script: 'x', environment: { 'A=B': 'x' } }],
  ];
  for (const [kind, value] of refused)
    t.false(stepDefinitions.get(kind)?.schema.safeParse(value).success, JSON.stringify(value));
});

test('whether a certificate has ended is a question to the clock of the build', async (t) => {
  const content = readFileSync('test/patch/cases/certificate/right/example-root.pem', 'utf8');
  const value = { name: 'root', content };
  const definition = stepDefinitions.get('certificate');
  const note = async (stamp: number) => {
    const outcome = await definition?.apply(value, { ...context, stamp }, createMemoryWorkspace({}));
    return outcome?.notes?.join() ?? '';
  };
  t.notRegex(await note(context.stamp), /ended on/);
  t.regex(await note(5_000_000_000), / ended on 2126-11-04/);
});
