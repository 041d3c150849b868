import type { Architecture } from '../../../format/kind/kernel-magic.js';
import { createMissingProgramError, runProcess } from '../../../io/process/process.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Layout } from '../../../model/image/layout.js';
import { type Drive, listDrives } from './drives.js';

export type Accelerator = 'kvm' | 'tcg';

export interface Machine {
  readonly architecture: Architecture;
  readonly accelerator: Accelerator;
  readonly kernel: string;
  readonly initrd?: string | undefined;
  /** In the order in which the guest sees them, from `/dev/vda` on. */
  readonly drives?: readonly Drive[] | undefined;
  /** MiB. */
  readonly memory: number;
  readonly network: 'none' | 'isolated' | 'host';
  readonly cmdline: string;
  /** With a second serial port at `probeDescriptor` and a monitor at `monitorDescriptor`, both sockets. */
  readonly ports?: boolean | undefined;
  /** Ports of the guest that get one of this machine each. */
  readonly forwards?: readonly number[] | undefined;
  /** A person sits at its console: Ctrl-A x ends it, Ctrl-A h tells more. */
  readonly isInteractive?: boolean | undefined;
  /** A port of this machine that leads to port 22 of the guest. */
  readonly ssh?: number | undefined;
  /** The version of QEMU, from `findQemu`; without it, an old one is assumed. */
  readonly version?: string | undefined;
}

/** Of the process that becomes QEMU. */
export const probeDescriptor = 3;
export const monitorDescriptor = 4;

export interface Qemu {
  readonly program: string;
  /** `QEMU emulator version 7.2.22 (...)`. */
  readonly version: string;
}

const programs: Record<Architecture, { readonly names: readonly string[]; readonly package: string }> = {
  // The second name is the one of Red Hat's builds, which is in no PATH.
  x86_64: { names: ['qemu-system-x86_64', '/usr/libexec/qemu-kvm'], package: 'qemu-system-x86' },
  aarch64: { names: ['qemu-system-aarch64'], package: 'qemu-system-arm' },
  // Its firmware is a package of its own.
  riscv64: { names: ['qemu-system-riscv64'], package: 'qemu-system-misc opensbi' },
};

/** The QEMU for an architecture. Errors (`infrastructure`): `program-missing` with the package, `qemu-broken`. */
export async function findQemu(architecture: Architecture, signal: AbortSignal): Promise<Qemu> {
  const { names, package: debianPackage } = programs[architecture];
  for (const program of names) {
    try {
      const { exitCode, output } = await runProcess([program, '--version'], { signal, timeout: 30 });
      const version = output.split('\n')[0] ?? '';
      if (exitCode === 0) return { program, version };
      throw new MobyPatchError(
        'infrastructure',
        'qemu-broken',
        `${program} --version ended with ${exitCode}: ${version}`,
        { hint: `apt-get install --reinstall ${debianPackage}` },
      );
    } catch (error) {
      if (!(error instanceof MobyPatchError) || error.code !== 'program-missing') throw error;
    }
  }
  throw createMissingProgramError(names[0] ?? '', debianPackage);
}

/**
 * The arguments of a machine with a serial console on standard output and no other device that was not requested. It
 * never reboots, so a panic ends it.
 */
export function createArguments(machine: Machine): string[] {
  const { architecture, accelerator, kernel, initrd, memory, cmdline } = machine;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-machine', `${architecture === 'x86_64' ? 'pc' : 'virt'},accel=${accelerator}`],
    ...['-cpu', chooseProcessor(machine), '-smp', '1', '-m', String(memory)],
    ...listConsole(machine),
    ...(machine.ports === true ? listPorts(architecture) : []),
    // Kernels before 5.6 let a daemon wait for randomness that an idle machine never gathers.
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...listNetwork(machine),
    ...listDrives(machine.drives),
    ...['-kernel', kernel, ...(initrd === undefined ? [] : ['-initrd', initrd])],
    ...['-append', cmdline],
  ];
}

/** QEMU knows all options of `quicker` from this version on. */
const leastMajor = 6;

/**
 * Options that turn off what only slows an emulated guest down. Kernels and the C library copy with `rep movsb` where the processor says
 * that it is fast (`erms`, `fsrm`); an emulator copies byte by byte then. On aarch64, `max` signs return addresses with QARMA5, which takes
 * three quarters of a boot. QEMU's own hash is cheaper, and the guest keeps the instructions
 * (https://www.qemu.org/docs/master/system/arm/cpu-features.html).
 */
const quicker: Partial<Record<Architecture, string>> = {
  x86_64: ',erms=off,fsrm=off',
  aarch64: ',pauth-impdef=on',
};

/** All that QEMU emulates; its processor `max` of riscv64 is from QEMU 8.2. */
function chooseProcessor({ architecture, accelerator, version = '' }: Machine): string {
  if (accelerator === 'kvm') return 'host';
  if (architecture === 'riscv64') return 'rv64';
  const major = Number(/ version (\d+)\./.exec(version)?.[1] ?? 0);
  return `max${major >= leastMajor ? (quicker[architecture] ?? '') : ''}`;
}

// Without a boot ROM: nothing is booted from the network, and the ROMs are a package of their own.
const card = ['-device', 'virtio-net-pci,netdev=network,romfile='];

function listConsole({ isInteractive = false }: Machine): readonly string[] {
  const console = ['-serial', 'chardev:console'];
  return isInteractive
    ? ['-chardev', 'stdio,id=console,signal=off,mux=on', '-mon', 'chardev=console', ...console]
    : ['-chardev', 'stdio,id=console,signal=off', ...console];
}

function listNetwork({ network, forwards = [], ssh }: Machine): readonly string[] {
  // 0: any free port.
  const pairs = [...forwards.map((port) => [0, port]), ...(ssh === undefined ? [] : [[ssh, 22]])];
  if (network === 'none' && pairs.length === 0) return ['-nic', 'none'];
  // What is forwarded is let in all the same.
  const kind = network === 'host' ? 'user,id=network' : 'user,id=network,restrict=on';
  const ports = pairs.map(([own, port]) => `,hostfwd=tcp:127.0.0.1:${own}-:${port}`).join('');
  return ['-netdev', `${kind}${ports}`, ...card];
}

function listPorts(architecture: Architecture): readonly string[] {
  const monitor = [
    ...['-chardev', `socket,id=monitor,fd=${monitorDescriptor}`],
    ...['-mon', 'chardev=monitor,mode=control'],
  ];
  const probe = ['-chardev', `socket,id=probe,fd=${probeDescriptor}`, '-serial', 'chardev:probe'];
  return [...(hasProbePort(architecture) ? probe : []), ...monitor];
}

/** Whether there is a second serial port, which every kernel knows as character device 4:65. */
export function hasProbePort(architecture: Architecture): boolean {
  return architecture === 'x86_64';
}

/**
 * The command line of the guest's kernel. The last of two words counts: our own come first, and only those that keep the kernel's
 * lines readable come behind the user's.
 */
export function createCmdline(
  architecture: Architecture,
  accelerator: Accelerator,
  words: readonly string[],
  user: string,
): string {
  const port = architecture === 'aarch64' ? 'ttyAMA0' : 'ttyS0';
  const own = [...(architecture === 'x86_64' ? [`earlyprintk=serial,${port}`] : []), `console=${port}`];
  // So that each line of the kernel says that it is one.
  own.push('console_msg_format=syslog');
  // Emulated timers are late on a busy host: "IO-APIC + timer doesn't work".
  if (architecture === 'x86_64' && accelerator === 'tcg') own.push('no_timer_check');
  // What stands behind two dashes is the first program's.
  const text = user.trim();
  const end = text.search(/(?<!\S)--(?!\S)/);
  const [wanted, after] = end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end)];
  const before = leaveDevices(wanted).trim();
  return [...own, ...words, before, ...listReadable(before, port), after]
    .filter((word) => word !== '')
    .join(' ');
}

/**
 * QEMU hands `vga=788` (Debian's installers) to the kernel's setup code, which asks for another mode and waits 30 s where there is no such
 * screen (arch/x86/boot/video.c). The machine has none. Its second serial port is the probe's.
 */
function leaveDevices(words: string): string {
  return words.replace(/(?<!\S)(?:vga=|console=ttyS1(?!\d))\S*/g, '');
}

/**
 * Without a root, the scripts of initramfs-tools sleep this many seconds before they restart the machine: time for the probe to report. For a
 * person they start a shell, which they do not with any `panic=`.
 */
export const unattended = 'panic=5';

/** `loglevel=4` still prints errors (3), such as "unable to open an initial console". */
const leastLevel = 4;

function listReadable(user: string, port: string): string[] {
  const level = findArgument(user, 'loglevel=');
  const isMute = level !== undefined && Number(level) < leastLevel;
  // Programs print to the last console alone, such as tty0 for a screen.
  const last = findArgument(user, 'console=');
  const isElsewhere = last !== undefined && last.split(',')[0] !== port;
  return [
    'printk.time=1',
    ...(isMute ? [`loglevel=${leastLevel}`] : []),
    ...(isElsewhere ? [`console=${port}`] : []),
  ];
}

/** What a word such as `init=` of a command line sets: the last one counts. */
export function findArgument(cmdline: string, name: `${string}=`): string | undefined {
  const words = cmdline.split(/\s+/);
  return words.findLast((word) => word.startsWith(name))?.slice(name.length);
}

const mebibyte = 2 ** 20;

/** MiB. */
interface MemoryOptions {
  /** Used whatever the size of the image. */
  readonly memory?: number | undefined;
  readonly leastMemory?: number | undefined;
}

/**
 * MiB that are enough to boot an image: a kernel gives its first root at most half of the memory, and keeps the image
 * beside it until it is unpacked; an `/init` like Moby's then makes a second copy.
 */
export function chooseMemory(layout: Layout, { memory, leastMemory = 0 }: MemoryOptions = {}): number {
  if (memory !== undefined) return memory;
  const unpacked = layout.segments.reduce((sum, segment) => sum + segment.unpacked, 0);
  return Math.max(leastMemory, 512, Math.ceil((3 * unpacked + layout.size) / mebibyte) + 256);
}
