import { gzipSync } from 'node:zlib';
import { createInit } from '../tiny-guest.js';
import { encodeEntry } from '../tiny-image.js';
import { busyboxInit, type GalleryCase, inittab, makeKmsg } from './gallery-case.js';

/** What must not pass. */
export const brokenCases: readonly GalleryCase[] = [
  {
    name: 'an init that only spins',
    init: '#!/bin/sh\nwhile :; do :; done\n',
    verdict: 'refused',
    endedAt: 'system',
    reason: /shows nothing of what it does/,
    isMain: true,
  },
  {
    name: 'an init that only sleeps, without a line',
    init: '#!/bin/sh\nexec /bin/sleep 100000\n',
    verdict: 'refused',
    reason: /shows nothing of what it does/,
  },
  {
    name: 'an init that dies 12 s after its start',
    init: createInit('echo hello; sleep 12; exit 1'),
    verdict: 'refused',
    endedAt: 'system',
    reason: /first program ended/,
    isMain: true,
  },
  {
    name: 'an init that forges the text of a machine fault, and ends',
    init: createInit(
      `${makeKmsg}echo "IO-APIC + timer doesn't work" >/dev/kmsg\necho "<0>[    0.500000] Kernel panic - not syncing: IO-APIC + timer doesn't work!"; exit 1`,
    ),
    verdict: 'refused',
    reason: /first program ended/,
    isMain: true,
  },
  {
    name: 'a guest that switches itself off, and nothing expects it',
    init: createInit('echo bye; busybox poweroff -f'),
    verdict: 'refused',
    reason: /switched itself off after .*poweroff: true/,
  },
  {
    name: 'a guest that restarts',
    init: createInit('echo again; busybox reboot -f'),
    verdict: 'refused',
    endedAt: 'system',
    reason: /restarted itself/,
  },
  {
    name: 'a test that switches off before its line',
    init: createInit('echo failed; busybox poweroff -f'),
    request: { expects: [{ console: 'PASSED' }, { poweroff: true }] },
    verdict: 'refused',
    endedAt: 'console PASSED',
    reason: /no line of the console matches \/PASSED\//,
  },
  {
    name: 'a guest that is to switch itself off, and stays',
    init: createInit('echo PASSED'),
    request: { expects: [{ console: 'PASSED' }, { poweroff: true }], timeout: 25 },
    verdict: 'refused',
    endedAt: 'power-off',
    reason: /did not switch itself off/,
  },
  { name: 'no /init', verdict: 'refused', endedAt: 'init', reason: /cannot be run/ },
  {
    name: 'an /init without an interpreter line',
    init: 'echo hello\n',
    verdict: 'refused',
    reason: /cannot be run/,
  },
  {
    name: 'an /init with a carriage return',
    init: '#!/bin/sh\r\necho hello\n',
    verdict: 'refused',
    reason: /cannot be run/,
  },
  {
    name: 'an /init whose interpreter is missing',
    init: '#!/bin/bash\necho hello\n',
    verdict: 'refused',
    reason: /cannot be run/,
  },
  {
    name: 'an /init for another processor',
    entries: [
      {
        path: 'init',
        mode: 0o755,
        body: Buffer.from(`7f454c460201010000000000000000000200b700${'00'.repeat(200)}`, 'hex'),
      },
    ],
    verdict: 'refused',
    reason: /cannot be run|ended/,
  },
  {
    name: 'an /init that may not be executed',
    entries: [{ path: 'init', mode: 0o644, body: createInit('echo hello') }],
    verdict: 'refused',
    reason: /cannot be run/,
  },
  {
    name: 'a dangling /init',
    entries: [{ path: 'init', type: 'symlink', body: 'sbin/absent' }],
    verdict: 'refused',
    reason: /cannot be run/,
  },
  {
    name: 'a regular file as /dev/console',
    init: createInit('echo nobody hears this'),
    entries: [{ path: 'dev/console', mode: 0o755 }],
    verdict: 'refused',
    reason: /\/dev\/console is a regular file/,
    isMain: true,
  },
  {
    name: 'a directory as /dev/console',
    init: createInit('echo nobody hears this'),
    entries: [{ path: 'dev/console', type: 'directory', mode: 0o755 }],
    verdict: 'refused',
    endedAt: 'unpacked',
    reason: /dev\/console exists but cannot be opened/,
  },
  {
    name: 'a truncated last segment',
    init: createInit('echo it runs'),
    pack: (archive) => {
      const first = gzipSync(archive, { level: 1 });
      const second = gzipSync(encodeEntry({ path: 'etc/lost', body: 'x'.repeat(5000) }));
      const gap = Buffer.alloc((4 - (first.length % 4)) % 4);
      return Buffer.concat([first, gap, second.subarray(0, second.length - 20)]);
    },
    request: { expects: [{ console: 'it runs' }] },
    verdict: 'refused',
    endedAt: 'unpacked',
    reason: /Initramfs unpacking failed/,
  },
  {
    name: 'junk behind the image',
    init: createInit('echo it runs'),
    pack: (archive) => Buffer.concat([gzipSync(archive, { level: 1 }), Buffer.from('junk behind it')]),
    verdict: 'refused',
    endedAt: 'unpacked',
    reason: /Initramfs unpacking failed/,
  },
  {
    name: 'an image that is too large for the memory',
    init: createInit('echo it runs'),
    entries: [{ path: 'etc/zeros', body: Buffer.alloc(120 * 1024 * 1024) }],
    request: { memory: 192 },
    verdict: 'refused',
    endedAt: 'unpacked',
    reason: /--memory/,
  },
  {
    name: 'no archive at all',
    pack: () => gzipSync(Buffer.from('this is no archive'.repeat(100))),
    verdict: 'refused',
    endedAt: 'unpacked',
  },
  {
    name: 'a kernel panic that a program asks for',
    init: createInit('echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'),
    verdict: 'refused',
    reason: /panicked/,
  },
  {
    name: 'a file, a service, a mount, a port, a command and a memory that are not as expected',
    init: createInit(`echo one >/etc/made; echo hello`),
    request: {
      expects: [
        { console: 'hello' },
        { console: 'never printed' },
        { file: 'etc/made', content: 'two\n' },
        { file: 'etc/absent' },
        { service: 'absent' },
        { mount: '/var' },
        { mount: '/proc', type: 'tmpfs' },
        { command: 'echo no; exit 3' },
        { command: 'echo no', output: '^yes' },
        { 'memory-below': 1 },
        { port: 80 },
      ],
    },
    verdict: 'refused',
    endedAt: 'console never printed',
    reason:
      /never printed.*made.*absent.*service absent: no process.*mount \/var: nothing.*a proc, not a tmpfs.*exit code 3.*"no".*MiB are in use.*port 80/,
    isMain: true,
  },
  {
    name: "a script of busybox's init that never ends",
    entries: busyboxInit(inittab, 'mount -t proc proc /proc\necho starting\nsleep 100000'),
    request: { timeout: 40 },
    verdict: 'refused',
    endedAt: 'system',
    reason: /did not report a running system within 40 s; silent for/,
  },
  {
    name: 'a service that ends after a second each time, and is started again',
    entries: [
      ...busyboxInit('::sysinit:/etc/init.d/rcS\n::respawn:/etc/crashing\n', 'mount -t proc proc /proc'),
      { path: 'etc/crashing', mode: 0o755, body: '#!/bin/sh\nexport PATH=/bin\nsleep 1\nexit 1\n' },
    ],
    request: { expects: [{ service: 'crashing' }] },
    verdict: 'refused',
    endedAt: 'service crashing',
  },
  {
    name: 'an expectation that the command line alone meets',
    init: createInit('echo hello'),
    request: { cmdline: 'greeting=welcome', expects: [{ console: 'welcome' }] },
    verdict: 'refused',
    endedAt: 'console welcome',
  },
  {
    name: 'an init that dies 12 s after its start, and an expectation that the kernel meets before',
    init: createInit('echo hello; sleep 12; exit 1'),
    request: { expects: [{ console: 'Linux version' }] },
    verdict: 'refused',
    reason: /first program ended/,
  },
  {
    name: 'junk behind the image, and a kernel that is told to be silent and to leave out the time',
    init: createInit('echo hello'),
    pack: (archive) => Buffer.concat([gzipSync(archive, { level: 1 }), Buffer.alloc(4), Buffer.from('junk')]),
    request: { cmdline: 'quiet loglevel=0 printk.time=0' },
    verdict: 'refused',
    endedAt: 'unpacked',
  },
  {
    name: 'an OpenRC that never starts',
    init: createInit(
      `echo moby-patch-verify ${'0'.repeat(32)} reached default runlevel .; busybox poweroff -f`,
    ),
    kind: 'openrc',
    request: { expects: [{ console: 'reached default' }] },
    verdict: 'refused',
    reason: /before the end of the default runlevel/,
  },
  {
    name: 'an emulated guest that is late',
    init: createInit('sleep 4; echo ready'),
    request: { expects: [{ console: 'ready', within: 1 }] },
    verdict: 'boot-too-slow',
    reason: /too late, wanted within 1 s/,
  },
  {
    name: 'an emulated guest that still makes progress when its time is over',
    init: createInit(
      'for a in a b c d e f g h; do for b in a b c d e f g h; do sleep 1; echo "step $a$b"; done; done; echo ready',
    ),
    request: { expects: [{ console: 'ready' }], timeout: 20 },
    verdict: 'boot-too-slow',
    reason: /was still making progress/,
    isMain: true,
  },
  {
    name: 'an image without a shell that never shows its line',
    init: createInit('echo other'),
    kind: 'none',
    request: { expects: [{ console: 'ready' }], timeout: 15 },
    verdict: 'refused',
    endedAt: 'console ready',
  },
];
