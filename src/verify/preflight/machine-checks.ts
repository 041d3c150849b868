import { dirname, join } from 'node:path';
import type { BootOptions } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Image } from '../../model/image/archive.js';
import { findHazards } from '../hazards/find-hazards.js';
import { readKernelConfig } from '../hazards/kernel-config.js';
import type { Check } from './run-checks.js';

/** What shows without a boot that this machine cannot boot the image: too little memory, a kernel without the codec. */
export function listMachineChecks(image: Image, { kernel, memory }: BootOptions): Check[] {
  return [
    {
      name: 'kernel',
      async look() {
        const kernelConfig = await findConfig(kernel);
        // It reads files of the image.
        if (kernelConfig === undefined && memory === undefined) return undefined;
        const hazards = await findHazards(image, { kernelConfig, memory });
        const found = hazards.find(
          ({ code }) => code === 'memory-too-small' || code === 'codec-not-in-kernel',
        );
        if (found === undefined) return 'its memory is enough, and its kernel knows the codecs';
        const { message, hint, path } = found;
        throw new MobyPatchError('invalid', 'boot-impossible', message, { path: path || image.name, hint });
      },
    },
  ];
}

/** From the file that distributions put beside a kernel; to look inside the kernel costs half a second of each boot. */
async function findConfig(kernel: string): Promise<ReadonlyMap<string, string> | undefined> {
  const release = /vmlinu[xz]-([^/]+)$/.exec(kernel)?.[1];
  const beside = join(dirname(kernel), release === undefined ? 'config' : `config-${release}`);
  return await readKernelConfig(beside).catch(() => undefined);
}
