import { probeDocker } from '#src/engine/docker/connect.js';
import { decodePath } from '#src/format/path.js';
import type { Change } from '#src/model/image/change.js';
import {
  check,
  open,
  openEntries,
  pullEntries,
  pullNames,
  sh,
  showChange,
} from '../fixtures/docker-bench.js';
import { collect, type Sketch, sketchEntry } from '../fixtures/memory-archive.js';

check('a daemon that answers is ready', async (t, bench) => {
  const readiness = await probeDocker(bench.daemon.environment);
  t.true(readiness.ready);
  t.regex(readiness.reason, /^Docker \d+\.\d+.*linux.* at unix:.*\(DOCKER_HOST\)$/);
});

check('a command returns its exit code and its output; only what it changed comes back', async (t, bench) => {
  const { root, log } = await open(t, bench, [{ path: 'etc/motd', content: 'hello' }]);
  t.deepEqual(await root.pull(), []);
  const result = await root.run(['/bin/sh', '-c', 'cat /etc/motd; echo " out"; echo err >&2; exit 3'], {});
  t.is(result.exitCode, 3);
  t.deepEqual(result.output.split('\n').sort(), ['', 'err', 'hello out']);
  t.true(log.includes('hello out') && log.includes('err'));
  await sh(root, 'echo new > /root/new; rm /etc/motd; echo "$GREETING" > /root/greeting');
  t.deepEqual(await pullNames(root), ['+ root/greeting', '+ root/new', '- etc/motd']);
  t.is(
    (
      await collect(
        (await pullEntries(root)).find(({ path }) => path === 'root/new')?.body() ?? ([] as never),
      )
    ).toString(),
    'new\n',
  );
});

check('a command has the environment of its step, PATH, and no terminal', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const { output } = await root.run(
    [
      'sh',
      '-c',
      'echo "$GREETING $PATH $HOME $(id -u) $(cat /proc/sys/kernel/hostname)"; [ -t 1 ] || echo none',
    ],
    {
      environment: { GREETING: 'hi' },
    },
  );
  t.is(output, 'hi /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root 0 localhost\nnone\n');
});

check('output comes through unchanged, and a long one is cut at the front', async (t, bench) => {
  const { root, log } = await open(t, bench, []);
  await sh(root, 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done');
  t.deepEqual(
    log.slice(-20000),
    Array.from({ length: 20000 }, (_, index) => `line ${index}`),
  );
});

check(
  "Docker's own files and mounts are no change: .dockerenv, hosts, hostname, resolv.conf, mtab, dev",
  async (t, bench) => {
    const { root } = await open(t, bench, [
      { path: 'dev/console', type: 'character', mode: 0o600, device: { major: 5, minor: 1 } },
      { path: 'etc/hosts', content: '127.0.0.1 moby' },
      { path: 'etc/hostname', content: 'moby' },
      { path: 'etc/mtab', content: 'mine' },
      { path: 'etc/resolv.conf', type: 'symlink', target: '../run/resolver/resolv.conf' },
    ]);
    await sh(
      root,
      'echo x >> /etc/hosts; echo x >> /etc/hostname; echo x >> /etc/resolv.conf; touch /run/mark',
    );
    await sh(
      root,
      'rm /.dockerenv /etc/mtab; echo x > /etc/mtab; echo x > /dev/new; rm -f /dev/null; touch /',
    );
    t.deepEqual(await pullNames(root), ['+ run/mark']);
  },
);

check('mount points that the image does not have do not appear', async (t, bench) => {
  const bare = bench.root.filter(({ path }) => /^(?:|bin(?:\/.*)?)$/.test(path));
  const { root } = await openEntries(t, bench, bare);
  await sh(root, 'cat /etc/hosts /proc/mounts > /dev/null; touch /mark');
  t.deepEqual(await pullNames(root), ['+ mark']);
});

check('no mounts, no socket, few capabilities, no new privileges', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const status = await sh(root, 'cat /proc/self/status');
  // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, SYS_CHROOT, MKNOD (linux/capability.h)
  const bits = [0, 1, 3, 4, 6, 7, 18, 27];
  const mask = bits.reduce((sum, bit) => sum + 2 ** bit, 0);
  t.regex(status, new RegExp(`^CapBnd:\\t${mask.toString(16).padStart(16, '0')}$`, 'm'));
  t.regex(status, /^NoNewPrivs:\t1$/m);
  const mounts = (await sh(root, 'cat /proc/mounts'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  const foreign = mounts.filter(
    (path) => !/^\/(?:$|proc|sys|dev|etc\/(?:hosts|hostname|resolv\.conf)$)/.test(path),
  );
  t.deepEqual(foreign, []);
  t.is(await sh(root, 'find / -xdev -name "*docker*.sock"'), '');
});

check('a step has a network only when it asks for one', async (t, bench) => {
  const { root } = await open(t, bench, []);
  const look = 'ls /sys/class/net; grep -c . /proc/net/route';
  const without = await root.run(['sh', '-c', look], {});
  const within = await root.run(['sh', '-c', look], { network: true });
  const after = await root.run(['sh', '-c', look], {});
  t.is(without.output, 'lo\n1\n');
  t.regex(within.output, /^eth\d+\nlo\n3\n$/);
  t.is(after.output, 'lo\n1\n');
});

check('an entry that cannot travel stays, and its absence is no removal', async (t, bench) => {
  const { root } = await open(t, bench, [
    { path: 'var/socket', type: 'socket' },
    { path: 'var/.wh.name', content: 'no whiteout' },
    { path: 'var/.wh..wh..opq', content: 'no whiteout' },
    { path: `var/${'n'.repeat(256)}`, content: 'too long' },
    { path: 'var/overlay', type: 'character', device: { major: 0, minor: 0 } },
    { path: 'var/nobody', uid: 4294967295 },
    { path: 'var/.wh.folder', type: 'directory' },
    { path: 'var/.wh.folder/below', content: 'below a folder that stays' },
    { path: 'var/owned', type: 'directory', uid: 4294967295 },
    { path: 'var/owned/below', content: 'below a folder that stays' },
    { path: 'var/name', content: 'not deleted by .wh.name' },
  ]);
  t.is(await sh(root, 'ls -A /var; touch /var/mark'), 'name\n');
  t.deepEqual(await pullNames(root), ['+ var/mark']);
  await sh(root, 'rm -r /var');
  t.deepEqual(await pullNames(root), ['- var']);
});

check('devices and fifos outside /dev travel both ways', async (t, bench) => {
  const { root } = await open(t, bench, [
    { path: 'var/tty', type: 'character', mode: 0o620, gid: 5, device: { major: 4, minor: 64 } },
    { path: 'var/disk', type: 'block', mode: 0o660, device: { major: 254, minor: 300 } },
    { path: 'var/pipe', type: 'fifo', mode: 0o600 },
  ]);
  t.is(
    await sh(root, 'stat -c "%F %t %T %a" /var/tty /var/disk /var/pipe'),
    'character special file 4 40 620\nblock special file fe 12c 660\nfifo 0 0 600\n',
  );
  await sh(root, 'chmod 640 /var/tty; chown 7 /var/disk; mkfifo /var/new');
  const found = await pullEntries(root);
  t.like(
    found.find(({ path }) => path === 'var/tty'),
    { type: 'character', mode: 0o640, gid: 5, device: { major: 4, minor: 64 } },
  );
  t.like(
    found.find(({ path }) => path === 'var/disk'),
    { type: 'block', uid: 7, device: { major: 254, minor: 300 } },
  );
  t.like(
    found.find(({ path }) => path === 'var/new'),
    { type: 'fifo', size: 0 },
  );
});

check('owners, modes, times and names of any bytes travel both ways', async (t, bench) => {
  const odd = decodePath(Buffer.from([0x61, 0xff, 0x0a, 0x62, 0x20]));
  const { root } = await open(t, bench, [
    { path: 'var/none', mode: 0, content: 'mode 0' },
    { path: 'var/far', mode: 0o6755, uid: 4294967294, gid: 3000000, mtime: 4294967295 },
    { path: `var/${odd}`, content: 'odd' },
    { path: 'var/out', type: 'symlink', target: '../../../../../../etc' },
    { path: 'var/long', type: 'symlink', target: 't'.repeat(4000) },
    { path: `var/${'é'.repeat(127)}`, content: 'long' },
  ]);
  t.is(
    await sh(root, 'stat -c "%a %u %g %Y" /var/none /var/far'),
    '0 0 0 1000000000\n6755 4294967294 3000000 4294967295\n',
  );
  t.is(
    await sh(root, 'cat /var/a*; readlink /var/out; readlink /var/long | tr -d "\\n" | wc -c'),
    'odd../../../../../../etc\n4000\n',
  );
  await sh(
    root,
    'cd /var; mv a* "$(printf "b\\376\\nc")"; cp -p far kept; chmod 0 out/../tmp; ln -s "$(printf "\\375")" odd',
  );
  const changes = await root.pull();
  const found = changes.flatMap((change) => (change.op === 'put' ? [change.entry] : []));
  t.true(changes.some((change) => change.op === 'remove' && change.path === `var/${odd}`));
  const renamed = decodePath(Buffer.from([0x62, 0xfe, 0x0a, 0x63]));
  t.like(
    found.find(({ path }) => path === `var/${renamed}`),
    { type: 'file', size: 3, mtime: 1_000_000_000 },
  );
  t.like(
    found.find(({ path }) => path === 'var/kept'),
    { mode: 0o6755, uid: 4294967294, gid: 3000000, mtime: 4294967295 },
  );
  t.like(
    found.find(({ path }) => path === 'var/odd'),
    { type: 'symlink', target: decodePath(Buffer.from([0xfd])), size: 1 },
  );
  t.like(
    found.find(({ path }) => path === 'tmp'),
    { type: 'directory', mode: 0 },
  );
});

check('hard links are one file in the container, wherever the archive has its data', async (t, bench) => {
  const group = ['one', 'two', 'three'].map(
    (path): Sketch => ({ path: `var/${path}`, link: 'g', content: 'shared' }),
  );
  const { root } = await open(t, bench, group);
  t.is(await sh(root, 'cat /var/one /var/three; stat -c %h /var/two'), 'sharedshared3\n');
  await sh(root, 'echo more >> /var/two; echo new > /var/a; ln /var/a /var/b');
  const found = await pullEntries(root);
  const [a, b, two] = ['a', 'b', 'two'].map((path) => found.find((entry) => entry.path === `var/${path}`));
  t.deepEqual(found.map(({ path }) => path).sort(), ['var/a', 'var/b', 'var/two']);
  t.truthy(a?.link);
  t.is(a?.link, b?.link);
  t.like(b, { type: 'file', size: 4 });
  t.is((await collect(b?.body() ?? ([] as never))).toString(), 'new\n');
  t.is(two?.link, undefined);
  t.is((await collect(two?.body() ?? ([] as never))).toString(), 'sharedmore\n');
});

check('a directory that was created anew has lost its entries', async (t, bench) => {
  const { root } = await open(t, bench, [
    { path: 'var/d', type: 'directory' },
    { path: 'var/d/old', content: 'old' },
    { path: 'var/d/sub', type: 'directory' },
  ]);
  await sh(root, 'rm -r /var/d; mkdir /var/d; touch /var/d/new');
  t.deepEqual(await pullNames(root), ['+ var/d/new', '- var/d/old', '- var/d/sub']);
  await sh(root, 'rm -r /var/d; echo > /var/d');
  const changes = (await root.pull()).map(showChange);
  t.deepEqual(changes, ['- var/d', '+ var/d']);
});

check('an edit of the same size and time, and a new name, are changes; a touch is none', async (t, bench) => {
  const { root } = await open(t, bench, [
    { path: 'var/edited', content: 'before' },
    { path: 'var/named', content: 'x' },
    { path: 'var/touched', content: 'x' },
    { path: 'etc', type: 'directory', mode: 0o700, gid: 3 },
  ]);
  await sh(
    root,
    'cd /var; printf after_ > edited; touch -d @1000000000 edited; ln named alias; touch touched /etc; echo > /etc/new',
  );
  t.deepEqual(await pullNames(root), ['+ etc/new', '+ var/alias', '+ var/edited', '+ var/named']);
});

check('pushed changes are there for the next command', async (t, bench) => {
  const { root } = await open(t, bench, [
    { path: 'var/old', type: 'directory' },
    { path: 'var/old/below', content: 'x' },
    { path: "var/it's\n$HOME ", content: 'odd name' },
    { path: 'var/turned', type: 'directory' },
    { path: 'var/turned/below', content: 'x' },
  ]);
  const put = (sketch: Sketch): Change => ({ op: 'put', entry: sketchEntry(sketch) });
  await root.push([
    { op: 'remove', path: 'var/old' },
    { op: 'remove', path: "var/it's\n$HOME " },
    { op: 'remove', path: 'var/never/was' },
    { op: 'remove', path: 'var/turned' },
    { op: 'remove', path: 'etc/hosts' },
    put({ path: 'var/turned', content: 'a file now' }),
    put({ path: 'etc/hosts', content: 'stays at home' }),
    put({ path: 'opt', type: 'directory', mode: 0o700, uid: 12, gid: 13 }),
    put({ path: 'opt/run', mode: 0o4711, uid: 12, content: 'body' }),
    put({ path: 'opt/link', type: 'symlink', target: '/nowhere' }),
    put({ path: `opt/${decodePath(Buffer.from([0xfe]))}`, content: 'bytes' }),
    put({ path: 'var/socket', type: 'socket' }),
  ]);
  t.is(await sh(root, 'ls -A /var; cat /var/turned'), 'turned\na file now');
  t.is(
    await sh(root, 'stat -c "%n %a %u %g %Y" /opt/run; readlink /opt/link; cat /opt/run /opt/[!rl]*'),
    '/opt/run 4711 12 0 1000000000\n/nowhere\nbodybytes',
  );
  t.false((await sh(root, 'cat /etc/hosts')).includes('stays'));
});

check('hundreds of long names are removed at once', async (t, bench) => {
  const paths = Array.from({ length: 1500 }, (_, index) => `var/${'n'.repeat(200)}${index}`);
  const { root } = await open(
    t,
    bench,
    paths.map((path) => ({ path })),
  );
  await root.push(paths.map((path) => ({ op: 'remove', path })));
  t.is(await sh(root, 'ls -A /var'), '');
});
