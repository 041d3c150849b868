/** What a text on the console means for the boot. */
export interface Rule {
  readonly pattern: RegExp;
  /** `image`: the boot is refused; `machine`: QEMU or this computer is at fault, and nothing is known of the image. */
  readonly fault: 'image' | 'machine';
  readonly reason: string;
  readonly hint: string;
}

const image = (pattern: RegExp, reason: string, hint: string): Rule => ({
  pattern,
  fault: 'image',
  reason,
  hint,
});

const machine = (pattern: RegExp, reason: string, hint: string): Rule => ({
  pattern,
  fault: 'machine',
  reason,
  hint,
});

const inspect = 'see moby-patch inspect IMAGE';
const moreMemory = 'give the guest more: --memory MIB';
const checkInit =
  'see moby-patch ls -l IMAGE init; check its mode, its first line (no CR) and the interpreter it names';
const linesBefore = 'the lines before the panic say why';

/** The kernel cannot read an archive (init/initramfs.c, lib/decompress_*.c), and goes on with a part of the image. */
const unpacking: readonly Rule[] = [
  image(
    /Initramfs unpacking failed: .*junk/i,
    'bytes behind a compressed segment: the rest of the image was dropped',
    `a member may only be cut between entries; ${inspect}`,
  ),
  image(
    /Initramfs unpacking failed: .*write error/i,
    'the unpacked image is larger than the root file system may be (half of the memory)',
    moreMemory,
  ),
  image(
    /Initramfs unpacking failed: .*(broken padding|invalid magic)/i,
    'a segment does not start where the kernel looks for it, or is none',
    'see the offsets of moby-patch inspect IMAGE; a raw archive starts at a multiple of four',
  ),
  image(
    /Initramfs unpacking failed: .*(compression method|not configured)/i,
    'this kernel has no decompressor for the codec of a segment',
    'build with --compression gzip, which every kernel reads',
  ),
  image(
    /Initramfs unpacking failed: .*(no cpio magic|incorrect cpio method)/i,
    'an archive is not in the newc format',
    inspect,
  ),
  image(/Initramfs unpacking failed/i, 'the kernel could not unpack the whole image', inspect),
  image(
    /rootfs image is not initramfs/i,
    'the kernel could not unpack the image and took it for a disk',
    inspect,
  ),
  image(
    /initrd (too large|extends beyond end of memory)|disabling initrd/i,
    'the image does not fit into the memory of the guest',
    moreMemory,
  ),
];

const starting: readonly Rule[] = [
  machine(
    /Kernel panic - not syncing: IO-APIC \+ timer doesn't work/,
    'the emulated timer came too late: this computer was too busy',
    'run the verification again, or add noapic to --cmdline',
  ),
  machine(
    /CPU does not support x86-64-v\d/,
    'the programs of the image need a newer processor than the emulated one',
    'verify on a machine with KVM, where the guest has the processor of the machine',
  ),
  image(
    /unable to open an initial console/i,
    '/dev/console exists but cannot be opened, so the first program has no output',
    'remove /dev/console from the image: the kernel brings its own',
  ),
  image(
    /moby-patch-verify: (\/\S+: exec format error|.*(exec: |bad interpreter|cannot execute))/,
    'the first program of the image cannot be run',
    checkInit,
  ),
  image(
    /Failed to execute \/\S+ \(error -\d+\)/,
    'the kernel cannot run the first program of the image',
    checkInit,
  ),
  image(
    // 126 and 127: the exit codes of a shell that cannot run or cannot find a program (POSIX sh, "Exit Status").
    /Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007[ef]00/,
    'the first program of the image cannot be run',
    checkInit,
  ),
  image(
    /Kernel panic - not syncing: Attempted to kill init/,
    'the first program ended, which is a panic',
    linesBefore,
  ),
  image(
    /Kernel panic - not syncing: (No working init|Requested init)/,
    'no first program was found',
    'see moby-patch ls -l IMAGE init',
  ),
  image(
    /Kernel panic - not syncing: VFS: Unable to mount root/,
    'the image has no /init, so the kernel looked for a disk',
    'see moby-patch ls -l IMAGE init',
  ),
  image(
    /Kernel panic - not syncing: (Out of memory|System is deadlocked on memory)/,
    'the guest ran out of memory',
    moreMemory,
  ),
  image(/Kernel panic - not syncing/, 'the kernel panicked', linesBefore),
];

/** Texts that refuse a boot, the more special ones first. */
export const rules: readonly Rule[] = [...unpacking, ...starting];

/** The first rule that fits a line. */
export function matchRule(line: string): Rule | undefined {
  return rules.find(({ pattern }) => pattern.test(line));
}

const warningPatterns: readonly RegExp[] = [
  /Out of memory: Killed process/,
  /No space left on device/,
  /\bBUG: |\bOops: |\bsegfault at /,
  /\]?\s*WARNING: CPU/,
  /I\/O error/,
  /ERROR: \S+ failed to start|ERROR: cannot start \S+/,
];

/** Whether a line looks like trouble although the boot may be good. */
export function isWarning(line: string): boolean {
  return warningPatterns.some((pattern) => pattern.test(line));
}
