import { spawn } from 'node:child_process';
import { createMissingProgramError } from '../../io/process/process.js';
import type { BootRequest } from '../../model/result/boot.js';
import { chooseAccelerator } from './machine/accelerator.js';
import { detectKernel } from './machine/kernel.js';
import { createArguments, createCmdline, findQemu, type Machine } from './machine/machine.js';

export interface InteractiveOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** A port of this machine's loopback that leads to port 22 of the guest. */
  readonly ssh?: number | undefined;
}

/** How a person boots the image: QEMU's program and arguments, with the console on its standard streams. */
export async function createInteractive(
  request: Pick<BootRequest, 'image' | 'kernel' | 'cmdline' | 'memory' | 'network' | 'accelerator'>,
  { signal, log, ssh }: InteractiveOptions,
): Promise<string[]> {
  const { image, kernel, memory, network, accelerator: wanted = 'auto' } = request;
  const architecture = await detectKernel(kernel);
  const { program } = await findQemu(architecture, signal);
  const accelerator = await chooseAccelerator({ program, kernel, architecture, wanted, signal, log });
  // A person needs no priorities in front of the kernel's lines.
  const user = `console_msg_format=default ${request.cmdline}`;
  const cmdline = createCmdline(architecture, accelerator, [], user);
  const machine: Machine = { architecture, accelerator, kernel, initrd: image, memory, network, cmdline };
  return [program, ...createArguments({ ...machine, isInteractive: true, ssh })];
}

/**
 * Runs it on the streams of this process until it ends; its exit code. It stays in the process group of the terminal, or it
 * could not read from it.
 */
export function runInteractive(argv: readonly string[], signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, { stdio: 'inherit' });
    const onAbort = () => child.kill('SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? createMissingProgramError(program) : cause),
    );
    child.once('exit', (code) => {
      signal.removeEventListener('abort', onAbort);
      resolve(code ?? 1);
    });
    if (signal.aborted) onAbort();
  });
}
