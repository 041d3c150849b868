import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { detectKernelImage } from '../format/kernel-magic.js';

const kernelNames = /^(vmlinu[xz]|linux|bzImage|kernel|Image)/;

/**
 * The kernel that lies beside an image: of the same version when the name has one (`initrd.img-6.1.0` and
 * `vmlinuz-6.1.0`), otherwise the only one there is. Undefined when there is none, or no telling which.
 */
export async function findKernelBeside(initrd: string): Promise<string | undefined> {
  const folder = dirname(initrd);
  const names = (await readdir(folder)).filter((name) => kernelNames.test(name) && name !== basename(initrd));
  const version = /\d+\.\d+.*$/.exec(basename(initrd))?.[0].replace(/\.img$/, '');
  const same = version === undefined ? [] : names.filter((name) => name.endsWith(version));
  const kernels: string[] = [];
  for (const name of same.length > 0 ? same : names) {
    if (await isKernel(join(folder, name))) kernels.push(join(folder, name));
  }
  return kernels.length === 1 ? kernels[0] : undefined;
}

async function isKernel(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    return detectKernelImage(buffer.subarray(0, bytesRead)) !== undefined;
  } finally {
    await file.close();
  }
}
