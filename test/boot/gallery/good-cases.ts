import { createInit } from '../tiny-guest.js';
import { busyboxInit, deadShell, type GalleryCase, inittab, makeKmsg } from './gallery-case.js';

/** The init of busybox starts programs without a shell where nothing in a line needs one. */
const shellFree: GalleryCase['entries'] = [
  { path: 'init', type: 'symlink', body: 'bin/busybox' },
  {
    path: 'etc/inittab',
    body: '::sysinit:/bin/busybox echo up without a shell\n::respawn:/bin/busybox sleep 1000\n',
  },
  deadShell,
];

/** What looks broken and is not. */
export const goodCases: readonly GalleryCase[] = [
  {
    name: 'a healthy guest that logs "Kernel panic"',
    init: createInit(
      `${makeKmsg}echo "Kernel panic - not syncing: just a message" >/dev/kmsg; echo "Kernel panic - not syncing: Attempted to kill init!"; echo "[    9.000000] Kernel panic - not syncing: x"; echo "Initramfs unpacking failed: junk"`,
    ),
    verdict: 'passed',
    isMain: true,
  },
  {
    name: 'a test that switches itself off when it is done',
    init: createInit('echo PASSED; busybox poweroff -f'),
    request: { expects: [{ console: 'PASSED' }, { poweroff: true }] },
    verdict: 'passed',
    isMain: true,
  },
  {
    name: 'a guest that shows its line and switches itself off',
    init: createInit('echo PASSED; busybox poweroff -f'),
    request: { expects: [{ console: 'PASSED' }] },
    verdict: 'passed',
  },
  {
    name: 'a file, a service, a mount, a port, a command and a memory that are as expected',
    init: createInit(
      `busybox mknod /dev/null c 1 3; echo one >/etc/made; mount -t tmpfs tmpfs /mnt\nsleep 1000 & echo hello`,
    ),
    request: {
      expects: [
        { console: 'hello' },
        { file: 'etc/made', content: 'one\n' },
        { mount: '/mnt', type: 'tmpfs' },
        { mount: 'proc' },
        { service: 'sleep' },
        { command: 'echo yes; exit 3', exit: 3, output: '^y' },
        { 'memory-below': 250 },
        { within: 600 },
      ],
    },
    verdict: 'passed',
    isMain: true,
  },
  {
    name: 'ports that answer from outside',
    modules: ['virtio_pci', 'virtio_net'],
    init: createInit(
      `MODULES
busybox mknod /dev/null c 1 3
busybox ip addr add 10.0.2.15/24 dev eth0
busybox ip link set eth0 up
while :; do echo hello from the port | busybox nc -l -p 80; done &
while :; do busybox nc -l -p 81 -e /bin/cat; done &
while :; do busybox nc -l -p 82 -e /bin/sh -c :; done &
echo ready`,
    ),
    request: {
      network: 'isolated',
      expects: [
        { port: 80, answer: '^hello' },
        { port: 81, send: 'ping\n', answer: 'ping' },
        { port: 81 },
        { port: 82 },
      ],
    },
    verdict: 'passed',
  },
  {
    name: 'a port that nothing listens at',
    modules: ['virtio_pci', 'virtio_net'],
    init: createInit(
      'MODULES\nbusybox ip addr add 10.0.2.15/24 dev eth0\nbusybox ip link set eth0 up\necho ready',
    ),
    request: { network: 'isolated', expects: [{ port: 80 }] },
    verdict: 'refused',
    endedAt: 'port 80',
    reason: /port 80: the connection is refused/,
  },
  {
    name: 'an init that is quiet and mounts',
    init: `#!/bin/sh\n/bin/mount -t proc proc /proc\nwhile :; do sleep 1000; done\n`,
    verdict: 'passed',
  },
  {
    name: 'a text with backslashes and an output with returns, as expected',
    init: createInit(
      `busybox mknod /dev/null c 1 3; echo '\\n \\l\\c' >/etc/issue; sleep 1000 & busybox yes '' | head -c 300000 | busybox tr '\\n' '\\r'; echo`,
    ),
    request: {
      expects: [
        { file: 'etc/issue', content: '\\n \\l\\c\n' },
        { command: 'cat /etc/issue', output: '^\\\\n \\\\l\\\\c$' },
        { command: "busybox printf 'HTTP/1.1 200 OK\\r\\nServer: x\\r\\n'", output: '^HTTP/1.1 200 OK$' },
        { command: 'busybox seq -s, 20000', output: ',6400,' },
        { service: 'sleep' },
      ],
    },
    verdict: 'passed',
  },
  {
    name: 'an init that prints only, without /proc',
    init: '#!/bin/sh\necho here\nwhile :; do :; done\n',
    verdict: 'passed',
  },
  {
    name: 'a first program that is named on the command line, and quiet',
    entries: [{ path: 'etc/first', mode: 0o755, body: createInit('echo first with $1') }],
    request: { cmdline: 'rdinit=/etc/first quiet -- word', expects: [{ console: '^first with word$' }] },
    verdict: 'passed',
  },
  {
    name: "busybox's init with an inittab",
    entries: busyboxInit(inittab, 'mount -t proc proc /proc\necho started'),
    verdict: 'passed',
  },
  {
    name: 'a first program that needs no shell, beside a shell that does not run',
    entries: shellFree,
    request: { expects: [{ console: '^up without a shell$' }] },
    verdict: 'passed',
  },
  {
    name: 'a shell that does not run, and nothing is expected that can be seen from outside',
    entries: shellFree,
    verdict: 'nothing-to-expect',
    reason: /has a \/bin\/sh that does not run, so it cannot report what it has reached/,
  },
  {
    name: 'a switch of the root',
    init: '#!/bin/sh\nmount -t tmpfs tmpfs /mnt\ncp -a /bin /dev /proc /etc /moved /mnt\nexec switch_root /mnt /moved\n',
    entries: [
      { path: 'moved', mode: 0o755, body: createInit('echo in the new root; echo moved >/etc/moved') },
    ],
    request: { expects: [{ file: 'etc/moved', content: 'moved\n' }] },
    verdict: 'passed',
  },
  {
    name: 'a prompt without an end of its line, and no shell for a probe',
    init: createInit('echo -n "your name? "'),
    kind: 'none',
    request: { expects: [{ console: 'name\\?$' }] },
    verdict: 'passed',
  },
  {
    name: 'a guest that says that the machine is at fault, and goes on',
    init: createInit(
      `${makeKmsg}echo "<0>[    0.100000] Kernel panic - not syncing: IO-APIC + timer doesn't work!"; echo "CPU does not support x86-64-v2"`,
    ),
    verdict: 'passed',
  },
];
