import test from 'ava';
import { isWarning, matchRule, rules } from '#src/verify/boot/console-rules.js';

const refused: readonly (readonly [string, RegExp])[] = [
  [
    '[    0.69] Initramfs unpacking failed: junk at the end of compressed archive',
    /behind a compressed segment/,
  ],
  ['[    0.69] Initramfs unpacking failed: write error', /larger than the root file system/],
  ['[    0.69] Initramfs unpacking failed: broken padding', /does not start where/],
  [
    '[    0.69] Initramfs unpacking failed: invalid magic at start of compressed archive',
    /does not start where/,
  ],
  ['Initramfs unpacking failed: compression method zstd not configured', /no decompressor/],
  ['Initramfs unpacking failed: no cpio magic', /not in the newc format/],
  ['Initramfs unpacking failed: XZ-compressed data is corrupt', /could not unpack the whole/],
  ['rootfs image is not initramfs (no cpio magic); looks like an initrd', /took it for a disk/],
  ['initrd too large to handle, disabling initrd (1 needed, 2 available)', /does not fit/],
  ['[    0.91] Warning: unable to open an initial console.', /\/dev\/console/],
  ['/moby-patch-verify: exec: line 12: /init: not found', /cannot be run/],
  ['/moby-patch-verify: 12: exec: /init: Permission denied', /cannot be run/],
  ['moby-patch-verify: /init: exec format error or not found', /cannot be run/],
  ['[    1.26] Failed to execute /init (error -8)', /kernel cannot run/],
  ['[    2.33] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00', /cannot be run/],
  ['[    1.26] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100', /ended/],
  ['Kernel panic - not syncing: No working init found.', /no first program/],
  ['Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)', /no \/init/],
  ['Kernel panic - not syncing: System is deadlocked on memory', /ran out of memory/],
  ['Kernel panic - not syncing: Fatal exception', /panicked/],
];

for (const [line, reason] of refused) {
  test(`refused: ${line}`, (t) => {
    const rule = matchRule(line);
    t.is(rule?.fault, 'image');
    t.regex(rule?.reason ?? '', reason);
    t.not(rule?.hint, '');
  });
}

test('a fault of the machine is not one of the image', (t) => {
  t.is(matchRule("Kernel panic - not syncing: IO-APIC + timer doesn't work!")?.fault, 'machine');
  t.is(matchRule('Fatal glibc error: CPU does not support x86-64-v3')?.fault, 'machine');
});

test('lines of a good boot match no rule', (t) => {
  for (const line of [
    '[    2.422424] Run /init as init process',
    '[    0.000000] Command line: console=ttyS0 panic=-1 rdinit=/moby-patch-verify',
    'tar: write error: Broken pipe',
    'sh: junk: not found',
    '[    1.267087] Unpacking initramfs...',
    '[    1.000000] ..TIMER: vector=0x30 apic1=0 pin1=2 apic2=-1 pin2=-1',
  ])
    t.is(matchRule(line), undefined, line);
});

test('every rule can be reached', (t) => {
  const lines = [
    ...refused.map(([line]) => line),
    "Kernel panic - not syncing: IO-APIC + timer doesn't work!",
    'CPU does not support x86-64-v3',
  ];
  const reached = new Set(lines.map((line) => matchRule(line)));
  t.deepEqual(
    rules.filter((rule) => !reached.has(rule)),
    [],
  );
});

test('a warning does not refuse a boot', (t) => {
  t.true(isWarning('cp: write error: No space left on device'));
  t.true(isWarning(' * ERROR: docker failed to start'));
  t.true(isWarning('[   11.0] Out of memory: Killed process 1 (init)'));
  t.false(isWarning(' * Starting docker ... [ ok ]'));
});
