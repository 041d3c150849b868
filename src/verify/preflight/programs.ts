import { isElf } from '../../format/kind/elf.js';
import type { Architecture } from '../../format/kind/kernel-magic.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import { followEntry } from '../../tree/resolve.js';

/** A program of an image, and the machine that it is for. */
export interface Program {
  readonly path: string;
  /** As `uname -m` says it. */
  readonly machine: string;
  /** The kernels that run it. */
  readonly kernels: readonly Architecture[];
}

/** Those that a boot begins with; the first one that is no script tells. */
const candidates = ['init', 'sbin/init', 'bin/sh', 'bin/busybox', 'usr/bin/sh', 'bin/bash', 'sbin/busybox'];

/** e_machine of elf.h -> its name, and which of QEMU's kernels run it: those of 64 bits also run their own 32 bits. */
const machines: ReadonlyMap<number, readonly [name: string, kernels: readonly Architecture[]]> = new Map([
  [3, ['i386', ['x86_64']]],
  [8, ['mips', []]],
  [20, ['ppc', []]],
  [21, ['ppc64', []]],
  [22, ['s390x', []]],
  [40, ['arm', ['aarch64']]],
  [62, ['x86_64', ['x86_64']]],
  [183, ['aarch64', ['aarch64']]],
  [243, ['riscv64', ['riscv64']]],
  [258, ['loongarch64', []]],
]);

/** The machine of an image, by the first of its programs that is an ELF file; undefined where none is. */
export async function findProgram(image: Archive): Promise<Program | undefined> {
  const entries = candidates.flatMap((path): ImageEntry[] => {
    const entry = followEntry(image.entries, path);
    return entry?.type === 'file' && entry.size > 20 ? [entry] : [];
  });
  const starts = new Map<ArchiveRecord, Uint8Array>();
  for await (const [record, body] of image.bodies(new Set(entries.map(({ data }) => data))))
    for await (const piece of body) {
      starts.set(record, piece.slice(0, 20));
      break;
    }
  for (const { path, data } of entries) {
    const machine = readMachine(starts.get(data) ?? new Uint8Array());
    if (machine === undefined) continue;
    const [name, kernels] = machines.get(machine) ?? [`machine ${machine}`, []];
    return { path, machine: name, kernels };
  }
  return undefined;
}

/** e_machine, in the byte order of the file. @internal */
export function readMachine(start: Uint8Array): number | undefined {
  if (!isElf(start) || start.length < 20) return undefined;
  const [one = 0, other = 0] = start.subarray(18, 20);
  return start[5] === 2 ? one * 256 + other : other * 256 + one;
}
