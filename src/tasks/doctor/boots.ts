import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { findQemu } from '../../verify/boot/machine/machine.js';
import { tryAccelerator } from '../../verify/boot/machine/try-accelerator.js';
import { type ExaminedSession, examine, type Finding } from './finding.js';

/** Seconds until a guest that hangs counts as one. */
const kvmLimit = 5;

/** QEMU for each processor, and how it runs guests, by running one. */
export async function* examineBoot({ signal }: ExaminedSession): AsyncGenerator<Finding> {
  const own = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  let qemu: string | undefined;
  for (const architecture of ['x86_64', 'aarch64', 'riscv64'] as const) {
    yield await examine({ name: `boot ${architecture}`, needed: architecture === own }, async () => {
      const found = await findQemu(architecture, signal);
      if (architecture === 'x86_64') qemu = found.program;
      return found.version;
    });
  }
  if (qemu === undefined) return;
  yield await examineEmulation(qemu, signal);
  if (process.platform === 'linux') yield await examineKvm(qemu, signal);
}

async function examineEmulation(qemu: string, signal: AbortSignal): Promise<Finding> {
  const start = performance.now();
  const fault = await tryAccelerator({ qemu, accelerator: 'tcg', signal });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const name = 'accelerator tcg';
  if (fault === undefined) return { name, ready: true, needed: true, reason: `a guest ran in ${seconds} s` };
  return {
    name,
    ready: false,
    needed: true,
    reason: fault,
    hint: 'apt-get install --reinstall qemu-system-x86 seabios',
  };
}

async function examineKvm(qemu: string, signal: AbortSignal): Promise<Finding> {
  const name = 'accelerator kvm';
  const no = (reason: string, hint: string): Finding => ({ name, ready: false, needed: false, reason, hint });
  if (process.arch !== 'x64')
    return no(
      `this machine is ${process.arch}, the guest x86_64`,
      '--accelerator tcg, which is what auto takes then',
    );
  const problem = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => undefined,
    ({ code }: NodeJS.ErrnoException) => code,
  );
  if (problem === 'ENOENT')
    return no(
      'there is no /dev/kvm',
      'modprobe kvm_intel or kvm_amd; in a virtual machine: nested virtualisation',
    );
  if (problem !== undefined)
    return no(`/dev/kvm cannot be opened (${problem})`, 'sudo usermod -aG kvm "$USER", then log in again');
  const fault = await tryAccelerator({ qemu, accelerator: 'kvm', signal, limit: kvmLimit });
  if (fault !== undefined)
    return no(`/dev/kvm is there, but ${fault}`, '--accelerator tcg, which is what auto takes then');
  return { name, ready: true, needed: false, reason: 'a program ran; a boot tries it with its own kernel' };
}
