import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterruptedError } from '../../io/process/process.js';
import type { BootRequest } from '../../model/result/boot.js';
import { chooseAccelerator } from './machine/accelerator.js';
import { bindToThisProcess } from './machine/bound.js';
import { detectKernel } from './machine/kernel.js';
import { createArguments, createCmdline, findArgument, findQemu, type Machine } from './machine/machine.js';
import { openDrives } from './machine/open-drives.js';
import { createRootProbe } from './probe/probe.js';
import { writeProbedImage } from './probe/probed-image.js';

export interface InteractiveOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** A folder for an initrd that mounts the disk of an image. */
  readonly folder: string;
  /** A port of this machine's loopback that leads to port 22 of the guest. */
  readonly ssh?: number | undefined;
}

/** How a person boots the image: QEMU's program and arguments, with the console on its standard streams. */
export async function createInteractive(
  request: Omit<BootRequest, 'console' | 'expects' | 'timeout'>,
  { signal, log, folder, ssh }: InteractiveOptions,
): Promise<string[]> {
  const { image, disk, kernel, memory, network, accelerator: wanted = 'auto' } = request;
  const architecture = await detectKernel(kernel);
  const { program: qemu, version } = await findQemu(architecture, signal);
  const accelerator = await chooseAccelerator({ program: qemu, kernel, architecture, wanted, signal, log });
  // A person needs no priorities in front of the kernel's lines.
  const user = `console_msg_format=default ${request.cmdline}`;
  const program = findArgument(request.cmdline, 'init=') ?? '';
  const probe = disk && createRootProbe(disk.type, program);
  const initrd = probe === undefined ? image : join(folder, 'disk-initrd.img');
  if (probe !== undefined) await writeProbedImage({ image, segment: probe.segment, path: initrd });
  const cmdline = createCmdline(architecture, accelerator, probe?.words ?? [], user);
  const shared = { architecture, accelerator, version, kernel, memory, network, cmdline };
  const machine: Machine = { ...shared, initrd, drives: await openDrives(request) };
  return [qemu, ...createArguments({ ...machine, isInteractive: true, ssh })];
}

export interface AttachOptions {
  readonly signal: AbortSignal;
  /** For what the guest writes to its disks; QEMU's default is /var/tmp. */
  readonly folder: string;
}

/**
 * Runs it on the streams of this process until it ends; its exit code. It stays in the process group of the terminal, or it
 * could not read from it, and ends by SIGTERM, so that QEMU gives the terminal back as it was. Rejects with the reason of an abort.
 */
export function runInteractive(argv: readonly string[], { signal, folder }: AttachOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = bindToThisProcess(argv, 'TERM');
    const child = spawn(program, rest, { stdio: 'inherit', env: { ...process.env, TMPDIR: folder } });
    const onAbort = () => child.kill('SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) reject(createInterruptedError(signal));
      else resolve(code ?? 1);
    });
    if (signal.aborted) onAbort();
  });
}
