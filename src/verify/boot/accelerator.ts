import { access, constants } from 'node:fs/promises';
import type { Architecture } from '../../format/kernel-magic.js';
import { startGuest } from './guest.js';
import { createArguments, createCmdline } from './machine.js';

export interface KvmProbe {
  readonly usable: boolean;
  /** One sentence: what the trial showed. */
  readonly reason: string;
}

/** Seconds until the kernel's first line, and until its last. Emulated it takes one and two. */
const limits = { first: 4, last: 20 };

const probes = new Map<string, Promise<KvmProbe>>();

/**
 * Boots the kernel without an initrd under KVM until it panics for want of a root file system. Nothing
 * less will do: on some machines `/dev/kvm` can be opened and the firmware runs, and then the guest hangs.
 * One trial per process and kernel.
 */
export function probeKvm(
  program: string,
  kernel: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<KvmProbe> {
  const key = `${program}\0${kernel}`;
  const known = probes.get(key);
  if (known !== undefined) return known;
  const probe = tryKvm(program, kernel, architecture, signal);
  probes.set(key, probe);
  // An interrupted trial tells nothing.
  probe.catch(() => probes.delete(key));
  return probe;
}

async function tryKvm(
  program: string,
  kernel: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<KvmProbe> {
  const native = process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch;
  if (native !== architecture)
    return { usable: false, reason: `this machine is ${native}, the kernel is ${architecture}` };
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch (error) {
    return { usable: false, reason: `/dev/kvm cannot be opened (${(error as NodeJS.ErrnoException).code})` };
  }
  return boot(program, kernel, architecture, signal);
}

async function boot(
  program: string,
  kernel: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<KvmProbe> {
  const cmdline = createCmdline(architecture, 'kvm', [], '');
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
  await using guest = startGuest([program, ...argv], signal, (chunk) => {
    text = (text + Buffer.from(chunk).toString('latin1')).slice(-256 * 1024);
    onText();
  });
  const isAlive = () => text.includes('Linux version');
  const isDone = () => /Kernel panic - not syncing: (VFS|No working init)/.test(text);
  const timers: NodeJS.Timeout[] = [];
  try {
    const verdict = await Promise.race([
      new Promise<string | undefined>((resolve) => {
        onText = () => isDone() && resolve(undefined);
        timers.push(
          setTimeout(
            () => isAlive() || resolve(`the kernel printed nothing within ${limits.first} s`),
            limits.first * 1000,
          ),
          setTimeout(
            () => resolve(`the kernel did not come to its end within ${limits.last} s`),
            limits.last * 1000,
          ),
        );
      }),
      guest.exited.then(({ message, exitCode }) =>
        isDone() ? undefined : message.split('\n').at(-1) || `QEMU ended with ${exitCode}`,
      ),
    ]);
    if (verdict === undefined) return { usable: true, reason: 'the kernel boots under KVM' };
    return { usable: false, reason: `/dev/kvm exists, but ${verdict}` };
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
