import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openLocalRoot } from '#src/engine/local/executor.js';
import { noCache } from '#src/io/cache.js';
import { createScratch } from '#src/io/place/scratch.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Change } from '#src/model/image/change.js';
import { createRoot, inNamespaces, noNamespaces, opened } from '../fixtures/local-executor.js';
import { collect, createMemoryArchive, readTarball, sketchEntry } from '../fixtures/memory-archive.js';
import { declareTest, findAlpineArchive, noAlpine } from '../fixtures/needs.js';

const paths = (changes: readonly Change[]) =>
  changes.map((change) => (change.op === 'put' ? `+${change.entry.path}` : `-${change.path}`));

const findEntry = (changes: readonly Change[], path: string) =>
  changes.flatMap((change) => (change.op === 'put' && change.entry.path === path ? [change.entry] : []))[0];

async function* nothing(): AsyncGenerator<Uint8Array> {}

inNamespaces('nothing differs before and after a command that changes nothing', async (t) => {
  await opened(await createRoot(), async ({ root, sh }) => {
    t.deepEqual(await root.pull(), []);
    t.is((await sh('ls -la / >/dev/null; cat /etc/group')).output, 'root:x:0:\n');
    t.deepEqual(await root.pull(), []);
    t.deepEqual(root.warnings(), []);
  });
});

inNamespaces('what a command creates, changes, links and removes comes back', async (t) => {
  await opened(await createRoot(), async ({ root, sh, lines }) => {
    const script =
      'echo one >/root/a; ln /root/a /root/b; chmod 4711 /bin/busybox; chown 5:6 /etc/group; rm -r /var/spool; ' +
      'mkfifo /root/f; mknod /root/n c 1 3; ln -s nowhere /root/l; echo out; echo err >&2; exit 7';
    const result = await sh(script);
    t.is(result.exitCode, 7);
    t.deepEqual(lines.filter((line) => line === 'out' || line === 'err').sort(), ['err', 'out']);
    const changes = await root.pull();
    t.deepEqual(
      paths(changes).filter((path) => path !== '+root' && path !== '+var'),
      [
        ...['-var/spool', '+bin/busybox', '+etc/group', '+etc/group-'],
        ...['+root/a', '+root/b', '+root/f', '+root/l', '+root/n'],
      ],
    );
    const get = (path: string) => findEntry(changes, path);
    t.is(get('bin/busybox')?.mode, 0o4711);
    t.is(get('etc/group-')?.gid, 6);
    t.is(get('etc/group')?.link, get('etc/group-')?.link);
    t.truthy(get('root/a')?.link);
    t.is(get('root/a')?.link, get('root/b')?.link);
    t.not(get('root/a')?.link, get('etc/group')?.link);
    t.is(get('root/f')?.type, 'fifo');
    t.is(get('root/l')?.target, 'nowhere');
    t.deepEqual(get('root/n')?.device, { major: 1, minor: 3 });
    t.is((await collect(get('root/b')?.body() ?? nothing())).toString(), 'one\n');
  });
});

inNamespaces(
  'with the network there are resolv.conf and hosts, and writes there are warned of',
  async (t) => {
    const root = [
      ...(await createRoot()),
      sketchEntry({ path: 'etc/resolv.conf', type: 'symlink', target: '../run/made/resolv.conf' }),
    ];
    const given = await readFile('/etc/hosts', 'utf8');
    await opened(root, async ({ root, sh }) => {
      t.is((await sh('cat /etc/hosts', true)).output, given);
      t.deepEqual(await root.pull(), []);
      t.is((await sh('cat /etc/resolv.conf')).exitCode, 1);
      t.is((await sh('echo 10.0.0.1 x >>/etc/hosts', true)).exitCode, 0);
      t.deepEqual(await root.pull(), []);
      t.regex(root.warnings().join(), /etc\/hosts/);
    });
    t.is(await readFile('/etc/hosts', 'utf8'), given);
  },
);

inNamespaces('a root without dev, proc and sys does not get them', async (t) => {
  const root = (await createRoot()).filter(({ path }) => !['dev', 'proc', 'sys'].includes(path));
  await opened(root, async ({ root, sh }) => {
    t.is((await sh('echo >/dev/null; cat /proc/self/comm')).exitCode, 0);
    t.deepEqual(await root.pull(), []);
  });
});

inNamespaces(
  'pushed files are there for commands, and both come back with the bytes of their time',
  async (t) => {
    await opened(await createRoot(), async ({ root, sh }) => {
      await root.push([
        { op: 'put', entry: sketchEntry({ path: 'root/in', content: 'pushed' }) },
        { op: 'remove', path: 'var/spool' },
      ]);
      t.is((await sh('cat /root/in; ls /var; echo more >/root/out')).output, 'pushed');
      const first = await root.pull();
      t.deepEqual(
        paths(first).filter((path) => path !== '+root' && path !== '+var'),
        ['-var/spool', '+root/in', '+root/out'],
      );
      await sh('echo rewritten >/root/out; rm /root/in');
      t.is((await collect(findEntry(first, 'root/in')?.body() ?? nothing())).toString(), 'pushed');
      t.is((await collect(findEntry(first, 'root/out')?.body() ?? nothing())).toString(), 'more\n');
    });
  },
);

inNamespaces('a command is ended before it fills the disk, and leaves nothing there', async (t) => {
  await using scratch = await createScratch();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=700', 'none', scratch.path]);
  try {
    const options = {
      signal: new AbortController().signal,
      log: () => {},
      cache: noCache,
      parent: scratch.path,
    };
    await using root = await openLocalRoot(createMemoryArchive(await createRoot()), options);
    const script = 'while :; do cat /bin/busybox >>/root/huge; sleep 0.01; done';
    const error = await t.throwsAsync(root.run(['/bin/sh', '-c', script], {}), {
      instanceOf: MobyPatchError,
    });
    t.is(error?.code, 'disk-full');
    t.regex(error?.message ?? '', /less than 64 MB are free/);
    await root[Symbol.asyncDispose]();
    t.deepEqual(await readdir(scratch.path), []);
  } finally {
    execFileSync('umount', [scratch.path]);
  }
});

inNamespaces('a folder that others can write, and rename what is in it, serves as well', async (t) => {
  await using scratch = await createScratch();
  const parent = join(scratch.path, 'shared');
  await mkdir(parent);
  await chmod(parent, 0o777);
  await opened(
    await createRoot(),
    async ({ root, sh }) => {
      t.is((await sh('cat /etc/group; echo >/root/made')).output, 'root:x:0:\n');
      t.deepEqual(
        paths(await root.pull()).filter((path) => path !== '+root'),
        ['+root/made'],
      );
    },
    { parent },
  );
  t.deepEqual(await readdir(parent), []);
});

test('a full disk is named, with the space it has and the space that is needed', async (t) => {
  await using scratch = await createScratch();
  const huge = { ...sketchEntry({ path: 'huge' }), size: 2 ** 60 };
  const { signal } = new AbortController();
  const error = await t.throwsAsync(
    openLocalRoot(createMemoryArchive([huge]), {
      signal,
      log: () => {},

      cache: noCache,
      parent: scratch.path,
    }),
    { instanceOf: MobyPatchError },
  );
  t.is(error?.kind, 'infrastructure');
  t.is(error?.code, 'disk-full');
  t.regex(error?.message ?? '', /has \d+ MB free, 1099511627\d+ MB are wanted/);
  t.deepEqual(await listUnnamed(scratch.path), []);
});

/** What is in a scratch folder besides its own record. */
async function listUnnamed(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== '.owner');
}

const alpine = findAlpineArchive();

declareTest(noAlpine ?? noNamespaces, 'apk runs in a real Alpine root', async (t) => {
  await opened(await readTarball(alpine ?? ''), async ({ root, sh }) => {
    t.regex((await sh('apk --version')).output, /^apk-tools \d/);
    t.is((await sh('apk info -e busybox; adduser -D -H someone; ln /etc/motd /etc/motd2')).exitCode, 0);
    const changes = await root.pull();
    for (const path of ['etc/passwd', 'etc/shadow', 'etc/motd', 'etc/motd2'])
      t.truthy(findEntry(changes, path), path);
    t.is(findEntry(changes, 'etc/motd')?.link, findEntry(changes, 'etc/motd2')?.link);
  });
});
