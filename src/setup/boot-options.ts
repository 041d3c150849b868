import { dirname } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import type { BootRequest } from '../model/boot.js';
import type { BootOptions } from '../model/build.js';
import { MobyPatchError } from '../model/error.js';
import type { Expectation } from '../model/patch.js';
import type { Configuration } from './configuration.js';

/** What the command line says of a boot. */
export interface BootFlags {
  readonly kernel?: string;
  readonly cmdline?: string;
  readonly expect?: readonly string[];
  readonly expectFile?: readonly string[];
  readonly memory?: number;
  readonly timeout?: number;
  readonly network?: BootRequest['network'];
  readonly accelerator?: BootRequest['accelerator'];
}

/** Seconds. */
export const defaultTimeout = 300;

interface BootChoice {
  readonly flags: BootFlags;
  readonly values?: Configuration;
  readonly image: FoundImage;
  /** An absolute path. */
  readonly kernel: string;
}

/** Flags come before the configuration, which comes before the definition of the image. */
export function createBootOptions({ flags, values = {}, image, kernel }: BootChoice): BootOptions {
  return {
    kernel,
    cmdline: flags.cmdline ?? values.cmdline ?? image.cmdline,
    memory: flags.memory ?? values.memory,
    leastMemory: image.memory,
    timeout: flags.timeout ?? values.timeout ?? defaultTimeout,
    network: flags.network ?? values.network ?? 'isolated',
    accelerator: flags.accelerator ?? 'auto',
    expects: listExpectations(flags, [...image.expect, ...(values.expect ?? [])]),
  };
}

/** What a good boot shows: the console lines first, in their order, then the files. */
function listExpectations(flags: BootFlags, consoles: readonly string[]): Expectation[] {
  const files = (flags.expectFile ?? []).map((text): Expectation => {
    const [file = '', ...content] = text.split('=');
    return content.length === 0 ? { file } : { file, content: content.join('=') };
  });
  return [...[...consoles, ...(flags.expect ?? [])].map((console) => ({ console })), ...files];
}

/** `kernel-missing` (`invalid`). */
export function createKernelError(image: FoundImage, hint: string): MobyPatchError {
  const folder = dirname(image.initrd);
  const message = `no kernel is known that boots this image (none lies beside it in ${folder})`;
  return new MobyPatchError('invalid', 'kernel-missing', message, { path: image.name, hint });
}
