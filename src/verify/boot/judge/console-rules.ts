/** What a text of the kernel means for the boot. */
export interface Rule {
  /** Of the kernel's message, behind its time. */
  readonly pattern: RegExp;
  /** `image`: the boot is refused; `machine`: QEMU or this computer is at fault, and nothing is known of the image. */
  readonly fault: 'image' | 'machine';
  readonly reason: string;
  readonly hint: string;
  /** Set where the first program of the image never ran, though a kernel or the probe says that it starts it. */
  readonly neverRan?: true | undefined;
}

const image = (pattern: RegExp, reason: string, hint: string): Rule => ({
  pattern,
  fault: 'image',
  reason,
  hint,
});

const neverRan = (pattern: RegExp, reason: string, hint: string): Rule => ({
  ...image(pattern, reason, hint),
  neverRan: true,
});

const inspect = 'see moby-patch inspect IMAGE';
const moreMemory = 'give the guest more: --memory MIB';
const checkInit =
  'see moby-patch ls -l IMAGE init; check its mode, its first line (no CR) and the interpreter it names';
const linesBefore = 'the lines before the panic say why';

/** The kernel cannot read an archive (init/initramfs.c, lib/decompress_*.c), and goes on with a part of the image. */
const unpacking: readonly Rule[] = [
  image(
    /^Initramfs unpacking failed: .*junk/i,
    'bytes behind a compressed segment: the rest of the image was dropped',
    `a member may only be cut between entries; ${inspect}`,
  ),
  image(
    /^Initramfs unpacking failed: .*write error/i,
    'the unpacked image is larger than the root file system may be (half of the memory)',
    moreMemory,
  ),
  image(
    /^Initramfs unpacking failed: .*(broken padding|invalid magic)/i,
    'a segment does not start where the kernel looks for it, or is none',
    'see the offsets of moby-patch inspect IMAGE; a raw archive starts at a multiple of four',
  ),
  image(
    /^Initramfs unpacking failed: .*(compression method|not configured)/i,
    'this kernel has no decompressor for the codec of a segment',
    'build with --compression gzip, which every kernel reads',
  ),
  image(
    /^Initramfs unpacking failed: .*(no cpio magic|incorrect cpio method)/i,
    'an archive is not in the newc format',
    inspect,
  ),
  image(/^Initramfs unpacking failed/i, 'the kernel could not unpack the whole image', inspect),
  image(
    /^(Trying to unpack )?rootfs image is not initramfs/i,
    'the kernel could not unpack the image and took it for a disk',
    inspect,
  ),
  image(
    /initrd (too large|extends beyond end of memory)|disabling initrd/i,
    'the image does not fit into the memory of the guest',
    moreMemory,
  ),
];

/** What a kernel prints before it starts the first program. */
const starting: readonly Rule[] = [
  {
    pattern: /^Kernel panic - not syncing: IO-APIC \+ timer doesn't work/,
    fault: 'machine',
    reason: 'the emulated timer came too late: this computer was too busy',
    hint: 'run the verification again, or add noapic to --cmdline',
  },
  image(
    /^(Warning: )?unable to open an initial console/i,
    '/dev/console exists but cannot be opened, so the first program has no output',
    'remove /dev/console from the image: the kernel brings its own',
  ),
];

/** What a kernel prints when it cannot go on, and what it prints before. */
const ending: readonly Rule[] = [
  neverRan(
    /^Failed to execute \/\S+ \(error -\d+\)/,
    'the kernel cannot run the first program of the image',
    checkInit,
  ),
  neverRan(
    // 126 and 127: the exit codes of a shell that cannot run or cannot find a program (POSIX sh, "Exit Status").
    /^Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007[ef]00/,
    'the first program of the image cannot be run',
    checkInit,
  ),
  image(
    /^Kernel panic - not syncing: Attempted to kill init/,
    'the first program ended, which is a panic',
    linesBefore,
  ),
  neverRan(
    /^Kernel panic - not syncing: (No working init|Requested init)/,
    'no first program was found',
    'see moby-patch ls -l IMAGE init',
  ),
  neverRan(
    /^Kernel panic - not syncing: VFS: Unable to mount root/,
    'the image has no /init, so the kernel looked for a disk',
    'see moby-patch ls -l IMAGE init',
  ),
  image(
    /^Kernel panic - not syncing: (Out of memory|System is deadlocked on memory)/,
    'the guest ran out of memory',
    moreMemory,
  ),
  image(/^Kernel panic - not syncing/, 'the kernel panicked', linesBefore),
];

const early: readonly Rule[] = [...unpacking, ...starting];

/**
 * The first rule that fits a message of the kernel. Of `unpacking` and `starting` nothing holds once a program runs: a
 * kernel prints these before.
 */
export function matchRule(message: string, hasStarted: boolean): Rule | undefined {
  const rules = hasStarted ? ending : [...early, ...ending];
  return rules.find(({ pattern }) => pattern.test(message));
}

/**
 * Messages that a kernel prints at any time, whatever its programs do: clocks are late (kernel/time/{hrtimer,clocksource}.c,
 * arch/x86/kernel/tsc.c, kernel/events/core.c, kernel/workqueue.c), random numbers are ready, lines were left out.
 */
const notice =
  /^(?:hrtimer: interrupt took |perf: interrupt took |clocksource: |tsc: |workqueue: \S+ hogged |random: |\S+: \d+ callbacks suppressed)/;

/** Whether a message of the kernel says nothing about the programs. */
export function isNotice(message: string): boolean {
  return notice.test(message);
}

const warningPatterns: readonly RegExp[] = [
  /Out of memory: Killed process/,
  /No space left on device/,
  /\bBUG: |\bOops: |\bsegfault at /,
  /\]?\s*WARNING: CPU/,
  // A kernel that reads no boot configuration (init/main.c).
  /WARNING: 'bootconfig' found on the kernel command line/,
  /I\/O error/,
  /ERROR: \S+ failed to start|ERROR: cannot start \S+/,
  /^\[FAILED\] Failed to |^\[ TIME \] Timed out |^\[DEPEND\] Dependency failed /,
];

/** Registers and calls that follow a panic: the lines before them say why. */
const dump =
  /^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])?\s+(?:\? \S+\+0x|\S+\+0x[0-9a-f]+\/0x|R[A-Z0-9]{2}: |RIP: |CR2: |Code: |<\/?TASK>|Call Trace:|CPU: \d|Hardware name:|Kernel Offset:)/;

export function isDump(line: string): boolean {
  return dump.test(line);
}

/** Whether a line looks like trouble although the boot may be good. */
export function isWarning(line: string): boolean {
  return warningPatterns.some((pattern) => pattern.test(line));
}
