import test from 'ava';
import { isWarning, matchRule } from '#src/verify/boot/judge/console-rules.js';

const refused: readonly (readonly [string, RegExp])[] = [
  ['Initramfs unpacking failed: junk at the end of compressed archive', /behind a compressed segment/],
  ['Initramfs unpacking failed: write error', /larger than the root file system/],
  ['Initramfs unpacking failed: broken padding', /does not start where/],
  ['Initramfs unpacking failed: invalid magic at start of compressed archive', /does not start where/],
  ['Initramfs unpacking failed: compression method zstd not configured', /no decompressor/],
  ['Initramfs unpacking failed: no cpio magic', /not in the newc format/],
  ['Initramfs unpacking failed: XZ-compressed data is corrupt', /could not unpack the whole/],
  ['rootfs image is not initramfs (no cpio magic); looks like an initrd', /took it for a disk/],
  ['initrd too large to handle, disabling initrd (1 needed, 2 available)', /does not fit/],
  ['Warning: unable to open an initial console.', /\/dev\/console/],
  ['Failed to execute /init (error -8)', /kernel cannot run/],
  ['Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00', /cannot be run/],
  ['Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100', /ended/],
  ['Kernel panic - not syncing: No working init found.', /no first program/],
  ['Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)', /no \/init/],
  ['Kernel panic - not syncing: System is deadlocked on memory', /ran out of memory/],
  ['Kernel panic - not syncing: Fatal exception', /panicked/],
];

for (const [line, reason] of refused) {
  test(`refused: ${line}`, (t) => {
    const rule = matchRule(line, false);
    t.is(rule?.fault, 'image');
    t.regex(rule?.reason ?? '', reason);
    t.not(rule?.hint, '');
  });
}

const timer = "Kernel panic - not syncing: IO-APIC + timer doesn't work!";

test('a fault of the machine is not one of the image, and none once a program runs', (t) => {
  t.is(matchRule(timer, false)?.fault, 'machine');
  t.is(matchRule(timer, true)?.fault, 'image');
});

test('what a kernel prints before the first program counts for nothing later', (t) => {
  for (const [line] of refused)
    t.is(matchRule(line, true) !== undefined, /^(Kernel panic|Failed to execute)/.test(line), line);
});

test('lines of a good boot match no rule, nor do those that quote one', (t) => {
  for (const line of [
    'Run /init as init process',
    'Command line: console=ttyS0 panic=-1 rdinit=/moby-patch-verify',
    'tar: write error: Broken pipe',
    'Unpacking initramfs...',
    '..TIMER: vector=0x30 apic1=0 pin1=2 apic2=-1 pin2=-1',
    'note: Kernel panic - not syncing: Attempted to kill init!',
    'log: Initramfs unpacking failed: junk',
  ])
    t.is(matchRule(line, false), undefined, line);
});

test('a warning does not refuse a boot', (t) => {
  t.true(isWarning('cp: write error: No space left on device'));
  t.true(isWarning(' * ERROR: docker failed to start'));
  t.true(isWarning('[   11.0] Out of memory: Killed process 1 (init)'));
  t.true(
    isWarning(
      "[    0.0] WARNING: 'bootconfig' found on the kernel command line but CONFIG_BOOT_CONFIG is not set.",
    ),
  );
  t.false(isWarning(' * Starting docker ... [ ok ]'));
});
