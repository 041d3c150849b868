import type { Architecture } from '../../format/kind/kernel-magic.js';
import type { BootOptions } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Image } from '../../model/image/archive.js';
import type { Expectation } from '../../model/result/expectation.js';
import { isInitramfs } from '../../tree/initramfs.js';
import { assertAnswerable } from '../boot/judge/assert-answerable.js';
import { watchExpectations } from '../boot/judge/expectations.js';
import { lacksRoot } from '../boot/judge/hand-over.js';
import { patternOf } from '../boot/judge/patterns.js';
import { refuseEmpty } from '../boot/judge/refuse-empty.js';
import { assertKvm } from '../boot/machine/accelerator.js';
import { assertRoom } from '../boot/machine/cmdline-room.js';
import { nameDevice } from '../boot/machine/drives.js';
import { detectKernel } from '../boot/machine/kernel.js';
import { createCmdline, findArgument, findQemu, unattended } from '../boot/machine/machine.js';
import { assertCount, openDrive } from '../boot/machine/open-drives.js';
import { detectInit } from '../boot/probe/detect-init.js';
import { mustHandOver } from '../boot/probe/hand-over.js';
import { listMachineChecks } from './machine-checks.js';
import { findProgram, type Program } from './programs.js';
import type { Check } from './run-checks.js';

export interface BootCheckOptions {
  readonly image: Image;
  readonly verify: BootOptions;
  /** Of the patches. */
  readonly expects: readonly Expectation[];
  /** Whether steps change the image: they may bring the shell that it lacks. */
  readonly changes: boolean;
  readonly signal: AbortSignal;
}

/** What a boot needs: patterns that are such, a kernel that runs the image's programs, QEMU for it. */
export async function listBootChecks(options: BootCheckOptions): Promise<Check[]> {
  const { image, verify, signal } = options;
  const program = await findProgram(image);
  let architecture = program?.kernels[0];
  const expects = [...verify.expects, ...options.expects];
  return [
    ...expects.map(
      (expectation): Check => ({ name: 'expectation', look: () => checkExpectation(expectation) }),
    ),
    {
      name: 'expectation',
      look() {
        if (!options.changes) assertAnswerable(detectInit(image.entries), expects);
        return undefined;
      },
    },
    {
      name: 'kernel',
      async look() {
        const found = await detectKernel(verify.kernel);
        architecture = found;
        const name = verify.kernelName ?? verify.kernel;
        assertRuns(name, found, program);
        await assertRoom(verify.kernel, createCmdline(found, 'tcg', [unattended], verify.cmdline));
        return `${name}, for ${found}${program === undefined ? '' : `, as ${program.path} is`}`;
      },
    },
    {
      name: 'qemu',
      async look() {
        // Without a kernel and a program nothing says which QEMU is wanted.
        if (architecture === undefined) return undefined;
        const { version } = await findQemu(architecture, signal);
        if (verify.accelerator === 'kvm') await assertKvm(architecture);
        return version;
      },
    },
    ...listDiskChecks(options),
    // Steps change how large an image is, and a rewrite its codec.
    ...(options.changes ? [] : listMachineChecks(image, verify)),
  ];
}

const noDisk =
  'none; an initramfs that looks for the root of a system finds one with --disk FILE --cmdline root=/dev/vda1';

/** One for each, so that all that is wrong is told at once. */
function listDiskChecks({ image, verify }: BootCheckOptions): Check[] {
  const { disk, disks = [] } = verify;
  if (disks.length === 0) {
    const leads = disk === undefined && detectInit(image.entries) === 'other' && isInitramfs(image.entries);
    return leads ? [{ name: 'disk', look: () => noDisk }] : [];
  }
  const lacks = mustHandOver(image.entries, verify) && findArgument(verify.cmdline, 'root=') === undefined;
  const own = disk === undefined ? 0 : 1;
  const each = disks.map(
    (path, index): Check => ({
      name: 'disk',
      look: async () => {
        const { format } = await openDrive(path);
        return `${path} (${format}) is ${nameDevice(own + index)}${lacks && index === 0 ? `\n${lacksRoot()}` : ''}`;
      },
    }),
  );
  const count: Check = {
    name: 'disk',
    look() {
      assertCount({ disk, disks });
      return undefined;
    },
  };
  return [count, ...each];
}

/** QEMU where only the image tells the machine, since no kernel is known. */
export async function listQemuCheck(image: Image, signal: AbortSignal): Promise<Check[]> {
  const [architecture] = (await findProgram(image))?.kernels ?? [];
  if (architecture === undefined) return [];
  return [{ name: 'qemu', look: async () => (await findQemu(architecture, signal)).version }];
}

function checkExpectation(expectation: Expectation): string | undefined {
  refuseEmpty(expectation);
  const pattern = patternOf(expectation);
  if (pattern === undefined) return undefined;
  watchExpectations([expectation]);
  return `/${pattern}/ is a regular expression`;
}

/** Error (`invalid`): `kernel-architecture`. */
function assertRuns(kernel: string, architecture: Architecture, program: Program | undefined): void {
  if (program === undefined || program.kernels.includes(architecture)) return;
  const { path, machine } = program;
  throw new MobyPatchError(
    'invalid',
    'kernel-architecture',
    `the kernel ${kernel} is for ${architecture}, and the image is for ${machine} (its ${path} is)`,
    { path: kernel, hint: `name a kernel for ${machine}: --kernel FILE` },
  );
}
