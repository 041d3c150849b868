import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Hazard } from '#src/model/result/hazard.js';
import type { HazardOptions } from '#src/verify/hazards/facts.js';
import { compareHazards, findHazards } from '#src/verify/hazards/find-hazards.js';
import {
  createArchive,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  symlink,
} from '../../fixtures/archive.js';
import { createElf, type Dynamic } from '../../fixtures/images/elf.js';

const program = (name: string, dynamic: Dynamic = {}): Member => ({
  name,
  mode: 0o100755,
  body: createElf(dynamic),
});
const init = (text: string, mode = 0o100755) => file('init', text, { mode });
const sound = [directory('bin'), program('bin/sh'), init('#!/bin/sh\n')];

async function find(
  t: ExecutionContext,
  members: readonly Member[],
  options: HazardOptions = {},
): Promise<Hazard[]> {
  return findHazards(await openBytes(t, createArchive(members)), options);
}

const codes = (hazards: readonly Hazard[]) => hazards.map(({ code, path }) => `${code} ${path}`);

const glibc = { interpreter: '/lib64/ld-linux-x86-64.so.2', needed: ['libc.so.6'] };
const glibcRoot = [
  directory('lib64'),
  program('lib64/ld-linux-x86-64.so.2'),
  directory('lib'),
  directory('lib/x86_64-linux-gnu'),
  program('lib/x86_64-linux-gnu/libc.so.6', { needed: ['ld-linux-x86-64.so.2'] }),
];
const openrc = [
  directory('sbin'),
  file('sbin/openrc', '', { mode: 0o100755 }),
  directory('etc'),
  directory('etc/init.d'),
  directory('etc/runlevels'),
  directory('etc/runlevels/boot'),
  file('etc/init.d/devfs', '#!/sbin/openrc-run\ndepend() {\n\tkeyword -docker -lxc\n}\n', { mode: 0o100755 }),
  symlink('etc/runlevels/boot/devfs', '/etc/init.d/devfs'),
];

test('an image of nothing but microcode is told to go in front of an initrd', async (t) => {
  const microcode = [
    ...['kernel', 'kernel/x86', 'kernel/x86/microcode'].map((name) => directory(name)),
    file('kernel/x86/microcode/GenuineIntel.bin', 'x'),
    file('early_cpio', '1\n'),
  ];
  const [alone] = await find(t, microcode);
  t.is(alone?.code, 'init-missing');
  t.regex(alone?.hint ?? '', /nothing but CPU microcode: give it in front of an initrd/);
  const [other] = await find(t, [...microcode, file('etc', '')]);
  t.is(other?.hint, 'add /init, or boot with rdinit=PROGRAM');
});

/** A title, the entries of an image, and its hazards. */
const rules: readonly [string, readonly Member[], readonly string[], HazardOptions?][] = [
  ['nothing', sound, []],
  [
    'a file for a console',
    [...sound, directory('dev'), file('dev/console', '')],
    ['console-not-device dev/console'],
  ],
  [
    'a directory for a console',
    [...sound, directory('dev'), directory('dev/console')],
    ['console-not-device dev/console'],
  ],
  [
    'a block device for a console',
    [...sound, directory('dev'), node('dev/console', 0o060600, { rdevmajor: 5, rdevminor: 1 })],
    ['console-not-device dev/console'],
  ],
  [
    "another character device for a console, which keeps the number of the kernel's own",
    [...sound, directory('dev'), node('dev/console', 0o020600, { rdevmajor: 1, rdevminor: 3 })],
    [],
  ],
  [
    'the right console',
    [...sound, directory('dev'), node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1 })],
    [],
  ],
  ['no /init', [file('etc', '')], ['init-missing init']],
  ['a dangling /init', [symlink('init', 'sbin/init')], ['init-missing init']],
  ['an /init that is a symlink to a program', [symlink('init', 'bin/sh'), ...sound.slice(0, 2)], []],
  [
    'an /init without the executable bit',
    [...sound.slice(0, 2), init('#!/bin/sh\n', 0o100644)],
    ['init-not-executable init'],
  ],
  ['a directory for /init', [directory('init')], ['init-not-executable init']],
  ['an /init with CR LF', [...sound.slice(0, 2), init('#!/bin/sh\r\nexec sh\r\n')], ['init-crlf init']],
  ['an empty /init', [init('')], ['init-unknown-format init']],
  ['a text without #! for /init', [init('exec sh\n')], ['init-unknown-format init']],
  ['no interpreter', [init('#! /bin/bash -e\n')], ['interpreter-missing bin/bash']],
  [
    'no program for env',
    [
      ...sound.slice(0, 2),
      directory('usr'),
      directory('usr/bin'),
      program('usr/bin/env'),
      init('#!/usr/bin/env bash\n'),
    ],
    ['interpreter-missing bash'],
  ],
  [
    'an interpreter that is not executable',
    [directory('bin'), file('bin/sh', 'x'), init('#!/bin/sh\n')],
    ['interpreter-not-executable bin/sh'],
  ],
  [
    'no dynamic loader',
    [directory('bin'), program('bin/sh', glibc), init('#!/bin/sh\n')],
    ['loader-missing lib64/ld-linux-x86-64.so.2'],
  ],
  [
    "Debian's library folder",
    [...glibcRoot, directory('bin'), program('bin/sh', glibc), init('#!/bin/sh\n')],
    [],
  ],
  [
    'a missing library of a library',
    [
      ...glibcRoot,
      directory('bin'),
      program('bin/sh', { ...glibc, needed: ['libtinfo.so.6'] }),
      program('lib/libtinfo.so.6', { needed: ['libgone.so.1'] }),
      init('#!/bin/sh\n'),
    ],
    ['library-missing libgone.so.1'],
  ],
  [
    'a library in a folder of ld.so.conf.d',
    [
      ...glibcRoot,
      directory('etc'),
      directory('etc/ld.so.conf.d'),
      file('etc/ld.so.conf', 'include /etc/ld.so.conf.d/*.conf\n'),
      file('etc/ld.so.conf.d/own.conf', '# ours\n/opt\n'),
      directory('opt'),
      program('opt/libown.so'),
      { ...program('init', { ...glibc, needed: ['libown.so'] }) },
    ],
    [],
  ],
  [
    'a library that another one needs, in a folder that only the program names (systemd)',
    [
      ...glibcRoot,
      program('init', { ...glibc, needed: ['libcore.so', 'libshared.so'], runpath: '/own' }),
      directory('own'),
      program('own/libcore.so', { needed: ['libshared.so'] }),
      program('own/libshared.so'),
    ],
    [],
  ],
  [
    'a library beside the program',
    [
      ...glibcRoot,
      program('init', { ...glibc, needed: ['libown.so'], runpath: '$ORIGIN/own' }),
      directory('own'),
      program('own/libown.so'),
    ],
    [],
  ],
  [
    'musl',
    [
      directory('lib'),
      program('lib/ld-musl-x86_64.so.1'),
      symlink('lib/libc.musl-x86_64.so.1', 'ld-musl-x86_64.so.1'),
      program('init', { interpreter: '/lib/ld-musl-x86_64.so.1', needed: ['libc.musl-x86_64.so.1'] }),
    ],
    [],
  ],
  [
    'a dangling library',
    [...glibcRoot, symlink('lib/libx.so', 'libx.so.1'), program('init', { ...glibc, needed: ['libx.so'] })],
    ['library-missing libx.so'],
  ],
  ['/.dockerenv without OpenRC', [...sound, file('.dockerenv', '')], ['container-mark .dockerenv']],
  ['/.dockerenv with OpenRC', [...sound, ...openrc, file('.dockerenv', '')], ['container-mark .dockerenv']],
  [
    'a container in rc.conf',
    [...sound, ...openrc, file('etc/rc.conf', '#rc_sys="lxc"\nrc_sys="docker"\n')],
    ['openrc-container etc/rc.conf'],
  ],
  ['no container in rc.conf', [...sound, ...openrc, file('etc/rc.conf', '#rc_sys="lxc"\nrc_sys=""\n')], []],
  [
    'a disk over /var',
    [
      ...sound,
      ...openrc,
      file('etc/init.d/automount', '#!/sbin/openrc-run\nstart() {\n\tmount -t ext4 "$disk" /var\n}\n'),
      symlink('etc/runlevels/boot/automount', '/etc/init.d/automount'),
      directory('var'),
      file('var/data', ''),
    ],
    ['path-shadowed var'],
  ],
  [
    'a service that is in no runlevel',
    [
      ...sound,
      ...openrc,
      file('etc/init.d/automount', 'mount x /var\n'),
      directory('var'),
      file('var/data', ''),
    ],
    [],
  ],
  [
    'a line of fstab',
    [
      ...sound,
      directory('etc'),
      file('etc/fstab', '/dev/sda1 /srv ext4 defaults 0 0\n/dev/sdb /opt ext4 noauto 0 0\n'),
      directory('srv'),
      file('srv/data', ''),
      directory('opt'),
      file('opt/data', ''),
    ],
    ['path-shadowed srv'],
  ],
  [
    'missing parents',
    [...sound, file('no/one', ''), file('./no/two', ''), file('other/three', '')],
    ['parent-missing no', 'parent-missing other'],
  ],
  ['little memory', [...sound, file('data', 'x'.repeat(9 * 2 ** 20))], ['memory-too-small '], { memory: 16 }],
  ['enough memory', [...sound, file('data', 'x'.repeat(9 * 2 ** 20))], [], { memory: 128 }],
  [
    'memory for one copy, and an /init that makes two',
    [
      ...sound.slice(0, 2),
      init('#!/bin/sh\ncp -a / /mnt\nexec switch_root /mnt /sbin/init\n'),
      file('data', 'x'.repeat(40 * 2 ** 20)),
    ],
    ['memory-too-small '],
    { memory: 120 },
  ],
];

for (const [what, members, wanted, options] of rules) {
  test(`an image with ${what}`, async (t) => {
    const hazards = await find(t, members, options);
    t.deepEqual(codes(hazards), wanted);
    t.true(hazards.every(({ message, hint }) => message !== '' && hint !== ''));
  });
}

test('the message names the services that OpenRC skips', async (t) => {
  const [hazard] = await find(t, [...sound, ...openrc, file('.dockerenv', '')]);
  t.like(hazard, { severity: 'fatal' });
  t.regex(hazard?.message ?? '', /1 services: devfs/);
});

test('hard links leak out of an archive without a TRAILER, and only out of such a one', async (t) => {
  const first = createArchive([...sound, file('a', 'a', { ino: 5, nlink: 2 })], { trailer: false });
  const whole = createArchive([...sound, file('a', 'a', { ino: 5, nlink: 2 })]);
  const second = createArchive([file('b', 'b', { ino: 5, nlink: 2 })]);
  const other = createArchive([file('b', 'b', { ino: 6, nlink: 2 })]);
  const join = async (...parts: Buffer[]) =>
    codes(await findHazards(await openBytes(t, Buffer.concat(parts))));
  t.deepEqual(await join(first, gzip(second)), ['link-leak archive 2']);
  t.deepEqual(await join(whole, gzip(second)), []);
  t.deepEqual(await join(first, gzip(other)), []);
});

test('a codec that the kernel was built without is a hazard', async (t) => {
  const image = await openBytes(t, gzip(createArchive(sound)));
  const hazards = (text: string) => findHazards(image, { kernelConfig: new Map([['CONFIG_RD_GZIP', text]]) });
  t.deepEqual(codes(await hazards('y')), []);
  t.deepEqual(codes(await hazards('n')), ['codec-not-in-kernel archive 1']);
  t.deepEqual(codes(await findHazards(image, { kernelConfig: new Map() })), [
    'codec-not-in-kernel archive 1',
  ]);
});

test('hazards that changes introduced are told from those of before', (t) => {
  const hazard = (code: string, path: string, severity: Hazard['severity'] = 'fatal'): Hazard => ({
    code,
    path,
    severity,
    message: `${code} now`,
    hint: '',
  });
  const before = [hazard('a', 'x'), hazard('b', 'y')];
  const after = [
    { ...hazard('a', 'x'), message: 'other words' },
    hazard('a', 'z'),
    hazard('c', 'w', 'warning'),
  ];
  const { introduced, known } = compareHazards(before, after);
  t.deepEqual(codes(introduced), ['a z']);
  t.deepEqual(codes(known), ['a x', 'c w']);
});

test('texts that are made to take the square of their length are read in a moment', async (t) => {
  const script = (text: string) => `#!/sbin/openrc-run\n${text}`;
  const texts = [
    script('\n'.repeat(200_000)),
    script('mount '.repeat(40_000)),
    script('keyword '.repeat(30_000)),
  ];
  const evil = texts.flatMap((text, index) => [
    file(`etc/init.d/e${index}`, text, { mode: 0o100755 }),
    symlink(`etc/runlevels/boot/e${index}`, `/etc/init.d/e${index}`),
  ]);
  const table = file('etc/fstab', `x /${'/'.repeat(100_000)}a\n${'x /usr\n'.repeat(20_000)}`);
  const names = Array.from({ length: 500 }, (_, index) => file(`${'/'.repeat(4000)}no${index}//x`, ''));
  const hazards = await find(t, [...sound, ...openrc, ...evil, table, ...names]);
  t.is(hazards.filter(({ code }) => code === 'parent-missing').length, 200);
});

test('every place that is mounted over counts its files', async (t) => {
  const table = file('etc/fstab', 'x /srv nfs\nx /srv/a nfs\nx /opt nfs noauto\nx /none nfs\n');
  const folders = ['srv', 'srv/a', 'opt', 'etc'].map((name) => directory(name));
  const files = ['srv/1', 'srv/a/2', 'srv/a/3', 'opt/4'].map((name) => file(name, 'x'));
  const hazards = await find(t, [...sound, ...folders, table, ...files]);
  const shadowed = hazards.filter(({ code }) => code === 'path-shadowed');
  t.deepEqual(codes(shadowed), ['path-shadowed srv', 'path-shadowed srv/a']);
  t.regex(shadowed[0]?.message ?? '', /the 3 files/);
  t.regex(shadowed[1]?.message ?? '', /the 2 files/);
});
