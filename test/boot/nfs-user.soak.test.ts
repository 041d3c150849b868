import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder } from '../fixtures/archive.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { findMissingProgram } from '../fixtures/needs.js';
import { findNoBadNetwork, noNfsServer, startNfsServer, type TestNfsServer } from '../fixtures/nfs-server.js';
import { busyboxInit } from './gallery/gallery-case.js';
import { findModules } from './modules.js';
import { bootTest } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

// What a user meets who mounts a share with the `mount` step: the server is there, is not, comes later, exports
// something else, is slow and loses its connections.

interface Link {
  /** Milliseconds that each piece is late. */
  readonly delay?: number;
  /** How many connections are refused before the first that is taken. */
  readonly refused?: number;
  /** How many pieces a connection carries before it breaks; only the first three break. */
  readonly pieces?: number;
}

/** A port of this machine that leads to another one, as well as `link` lets it. */
async function openLink(port: number, { delay = 0, refused = 0, pieces = 0 }: Link) {
  let count = 0;
  const carry = (from: Socket, to: Socket, isShort: boolean) => {
    let carried = 0;
    let last = Promise.resolve();
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    from.on('data', (piece) => {
      last = last.then(async () => {
        await wait(delay);
        carried += 1;
        if (isShort && carried > pieces) from.destroy();
        else if (!to.destroyed) to.write(piece);
      });
    });
  };
  const server = createServer((near) => {
    count += 1;
    if (count <= refused) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const isShort = pieces > 0 && count - refused <= 3;
    carry(near, far, isShort);
    carry(far, near, isShort);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    [Symbol.dispose]: () => void server.close(),
  };
}

interface Case {
  readonly name: string;
  readonly isDown?: true;
  readonly share?: string;
  readonly mount?: Link;
  readonly nfs?: Link;
  /** The network of the server is slow and loses packets. */
  readonly isBad?: true;
  /** What the console says of it. */
  readonly told: RegExp;
  readonly isMounted: boolean;
}

const cases: readonly Case[] = [
  {
    name: 'a server that is there',
    told: /usermount: mounted 10\.0\.2\.2:\/share on \/share/,
    isMounted: true,
  },
  {
    name: 'a server that is down',
    isDown: true,
    told: /usermount: gave up after 12 s \(.*[Cc]onnection refused.*\); the boot goes on/,
    isMounted: false,
  },
  {
    name: 'a server that comes after two attempts',
    mount: { refused: 2 },
    told: /usermount: mounted/,
    isMounted: true,
  },
  {
    name: 'an export that the server does not have',
    share: '/none',
    told: /usermount: gave up after 12 s \(.+\); the boot goes on/,
    isMounted: false,
  },
  {
    name: 'a server that is slow and loses its connections',
    nfs: { delay: 150, pieces: 4 },
    told: /usermount: mounted/,
    isMounted: true,
  },
  {
    name: 'a server whose network is slow and loses every tenth packet',
    isBad: true,
    told: /usermount: mounted/,
    isMounted: true,
  },
];

const kernel = await findKernel();
const missing = noNfsServer ?? findMissingProgram('depmod');
const drivers = ['virtio_pci', 'virtio_net', 'virtio_rng', 'af_packet', 'nfs', 'nfsv3'];

interface Place {
  readonly folder: string;
  readonly server: TestNfsServer;
}

async function createPlace(t: ExecutionContext): Promise<string> {
  if (typeof kernel === 'string') throw new Error(kernel);
  const folder = await createTestFolder(t);
  const modules = await findModules(kernel, drivers);
  if (typeof modules === 'string') throw new Error(modules);
  const rcS = `busybox mount -t proc proc /proc
busybox --install -s /bin
mknod /dev/null c 1 3
${modules.load}
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0`;
  const show = '#!/bin/sh\necho share: $(cat /share/nonce 2>&1)\nwhile :; do sleep 1000; done\n';
  const inittab = '::sysinit:/etc/init.d/rcS\n::respawn:/etc/show\n';
  await writeTinyImage(join(folder, 'initrd.img'), undefined, [
    ...busyboxInit(inittab, rcS),
    { path: 'etc/show', mode: 0o755, body: show },
    ...modules.entries,
  ]);
  return folder;
}

async function build(
  { folder, server }: Place,
  { share = '/share', mount, nfs, isDown }: Case,
  more: readonly string[],
) {
  if (typeof kernel === 'string') throw new Error(kernel);
  using mountLink = await openLink(server.mountPort, mount ?? {});
  using nfsLink = await openLink(server.port, nfs ?? {});
  if (isDown) {
    mountLink[Symbol.dispose]();
    nfsLink[Symbol.dispose]();
  }
  const ports = `port=${nfsLink.port},mountport=${mountLink.port},mountproto=tcp`;
  const step = {
    source: `10.0.2.2:${share}`,
    target: 'share',
    options: `vers=3,nolock,noacl,proto=tcp,${ports}`,
    name: 'usermount',
    timeout: 12,
    attempt: 10,
  };
  await mkdir(join(folder, 'user-nfs'), { recursive: true });
  const expects = [{ console: 'usermount: (mounted|gave up)' }, { console: '^share: ' }];
  const patch = { title: 'A share', steps: [{ mount: step }], expects };
  await writeFile(join(folder, 'user-nfs/patch.yaml'), JSON.stringify(patch));
  const argv = ['build', '-q', '-i', 'initrd.img', '-p', './user-nfs', '-o', 'out.img', '--json'];
  const boot = ['--kernel', kernel.kernel, '--network', 'host', '--timeout', '900', ...more];
  const { code, stdout, stderr } = await runMoby([...argv, ...boot], { folder });
  return { code, report: JSON.parse(stdout || '{}') as Report, stderr };
}

for (const item of cases)
  bootTest(
    `${item.name}: the image boots, and the console says how it went`,
    async (t) => {
      const folder = await createPlace(t);
      await using server = await startNfsServer({ isBad: item.isBad });
      const nonce = randomUUID();
      await writeFile(join(server.folder, 'nonce'), nonce);
      const { report, stderr } = await build({ folder, server }, item, []);
      t.is(report.boot?.verdict, 'passed', `${stderr}\n${report.boot?.reason}`);
      const console = await readFile(join(folder, 'out.img.console.log'), 'utf8');
      const [line = 'nothing'] = console.split('\n').filter((each) => /^usermount: /.test(each));
      t.log(`${report.boot?.seconds.toFixed(1)} s: ${line}`);
      t.regex(console, item.told);
      if (item.isBad) {
        const dropped = await server.countDropped();
        t.log(`${dropped} packets were lost`);
        t.true(dropped > 0);
      }
      t.regex(console, item.isMounted ? new RegExp(`^share: ${nonce}`, 'm') : /^share: .*No such file/m);
    },
    missing ?? (item.isBad && findNoBadNetwork()),
  );

bootTest(
  'a mount that is expected and has no server refuses the image with what the guest has there',
  async (t) => {
    const folder = await createPlace(t);
    await using server = await startNfsServer();
    const down: Case = { name: '', isDown: true, told: /./, isMounted: false };
    const { code, report } = await build({ folder, server }, down, ['--expect-mount', '/share=nfs']);
    t.is(code, 4);
    t.is(report.boot?.endedAt, 'mount /share');
    t.regex(report.boot?.reason ?? '', /mount \/share: nothing is mounted there/);
  },
  missing,
);
