import { access, constants } from 'node:fs/promises';
import type { Architecture } from '../../../format/kind/kernel-magic.js';
import { MobyPatchError } from '../../../model/error/error.js';
import { startGuest } from './guest.js';
import { type Accelerator, createArguments, createCmdline, unattended } from './machine.js';

export interface AcceleratorRequest {
  /** The QEMU program. */
  readonly program: string;
  readonly kernel: string;
  readonly architecture: Architecture;
  readonly wanted: 'auto' | 'kvm' | 'tcg';
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Characters of a line of progress. */
const longestReason = 60;

/** KVM where it works, emulation otherwise. Error (`infrastructure`): `kvm-unusable` when KVM is required. */
export async function chooseAccelerator(request: AcceleratorRequest): Promise<Accelerator> {
  const { wanted, log } = request;
  if (wanted === 'tcg') return 'tcg';
  const { usable, reason } = await probeKvm(request);
  if (usable) return 'kvm';
  if (wanted === 'kvm') throw createKvmError(reason);
  log(`emulated without KVM: ${shorten(reason)}`);
  return 'tcg';
}

/** QEMU's own words may be an assertion of its source; `doctor` shows all of them. */
function shorten(reason: string): string {
  return reason.length <= longestReason ? reason : `${reason.slice(0, longestReason)}...`;
}

export interface KvmProbe {
  readonly usable: boolean;
  /** One sentence: what the trial showed. */
  readonly reason: string;
}

/**
 * Boots the kernel without an initrd under KVM until it panics for want of a root file system. Nothing less is proof:
 * on some machines `/dev/kvm` can be opened and the firmware runs, and then the guest hangs.
 * @internal
 */
export async function probeKvm(
  machine: Pick<AcceleratorRequest, 'program' | 'kernel' | 'architecture' | 'signal'>,
): Promise<KvmProbe> {
  const fault = await findKvmFault(machine.architecture);
  if (fault !== undefined) return { usable: false, reason: fault };
  const failure = await tryBoot(machine);
  return failure === undefined
    ? { usable: true, reason: 'the kernel boots under KVM' }
    : { usable: false, reason: `/dev/kvm exists, but ${failure}` };
}

/** What can be told without a trial. Error (`infrastructure`): `kvm-unusable`. */
export async function assertKvm(architecture: Architecture): Promise<void> {
  const fault = await findKvmFault(architecture);
  if (fault !== undefined) throw createKvmError(fault);
}

async function findKvmFault(architecture: Architecture): Promise<string | undefined> {
  const native = process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch;
  if (native !== architecture) return `this machine is ${native}, the kernel is ${architecture}`;
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return `/dev/kvm cannot be opened (${(error as NodeJS.ErrnoException).code})`;
  }
}

function createKvmError(reason: string): MobyPatchError {
  const message = `KVM is required and not usable: ${reason}`;
  return new MobyPatchError('infrastructure', 'kvm-unusable', message, {
    hint: 'let the verification choose the accelerator, or choose tcg',
  });
}

/** Seconds until the kernel's first line, and until its last. Emulated it takes one and two. */
const limits = { first: 4, last: 20 };

/** Why the kernel does not boot; undefined when it does. */
async function tryBoot({
  program,
  kernel,
  architecture,
  signal,
}: Parameters<typeof probeKvm>[0]): Promise<string | undefined> {
  const cmdline = createCmdline(architecture, 'kvm', [unattended], '');
  const argv = createArguments({
    architecture,
    accelerator: 'kvm',
    kernel,
    memory: 256,
    network: 'none',
    cmdline,
  });
  let text = '';
  let onText = () => {};
  const onConsole = (chunk: Uint8Array) => {
    text = (text + Buffer.from(chunk).toString('latin1')).slice(-256 * 1024);
    onText();
  };
  await using guest = startGuest([program, ...argv], signal, { onConsole });
  const hasStarted = () => text.includes('Linux version');
  const hasPanicked = () => /Kernel panic - not syncing: (VFS|No working init)/.test(text);
  const exit = guest.exited.then(({ message, exitCode }) =>
    hasPanicked() ? undefined : message.split('\n').at(-1) || `QEMU ended with ${exitCode}`,
  );
  const panic = new Promise<undefined>((resolve) => {
    onText = () => hasPanicked() && resolve(undefined);
  });
  const timers: NodeJS.Timeout[] = [];
  const timeout = new Promise<string>((resolve) => {
    const onFirst = () => hasStarted() || resolve(`the kernel printed nothing within ${limits.first} s`);
    const onLast = () => resolve(`the kernel did not come to its end within ${limits.last} s`);
    timers.push(setTimeout(onFirst, limits.first * 1000), setTimeout(onLast, limits.last * 1000));
  });
  try {
    return await Promise.race([panic, timeout, exit]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
