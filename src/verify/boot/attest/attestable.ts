import { showPath } from '../../../format/path.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Attestation } from '../../../model/result/attestation.js';
import { detectArchitecture, readKernelStart, readProtocol } from '../machine/kernel.js';

/** Error (`invalid`): `attestation-unsupported` for a kernel that runs no program that attests: of riscv64, and of x86 without 64 bits. */
export async function assertAttestable(kernel: string): Promise<void> {
  const start = await readKernelStart(kernel);
  if (detectArchitecture(start) === 'riscv64')
    throw new MobyPatchError(
      'invalid',
      'attestation-unsupported',
      `${kernel} is a kernel for riscv64, for which there is no program that attests`,
      { path: kernel, hint: 'verify without --attest' },
    );
  const protocol = readProtocol(start);
  // XLF_KERNEL_64, of 2.12 on.
  if (protocol === undefined || protocol < 0x20c || (start.readUInt16LE(0x236) & 1) !== 0) return;
  throw new MobyPatchError(
    'invalid',
    'attestation-unsupported',
    `${kernel} is a 32-bit kernel, which cannot run the program that attests`,
    { path: kernel, hint: 'verify without --attest' },
  );
}

const mostNamed = 3;

/** The reason to refuse a boot that has passed otherwise; undefined without a difference. */
export function explainAttested(attestation: Attestation | undefined): string | undefined {
  const differences = attestation?.differences ?? [];
  if (differences.length === 0) return undefined;
  const named = differences
    .slice(0, mostNamed)
    .map(({ path, what }) => `${showPath(path || '.')} (${what})`)
    .join(', ');
  const more = differences.length > mostNamed ? ` and ${differences.length - mostNamed} more` : '';
  return `the guest has not unpacked what the image holds: ${named}${more}`;
}

interface Progress {
  readonly told: number;
  readonly count?: number | undefined;
}

/** `attestation-incomplete` (`infrastructure`). */
export function createUnattestedError({ told, count }: Progress): MobyPatchError {
  const all = count === undefined ? 'and did not come to the end' : `of ${count}`;
  return new MobyPatchError(
    'infrastructure',
    'attestation-incomplete',
    `the guest told of ${told} paths ${all}`,
    {
      hint: 'once more; a line of the kernel may have torn some where the guest has only one port',
    },
  );
}
