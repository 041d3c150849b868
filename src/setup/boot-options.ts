import { dirname } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import type { BootOptions } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { BootRequest } from '../model/result/boot.js';
import type { Expectation } from '../model/result/expectation.js';
import { normaliseExpectation } from '../patch/language/normalise-expectation.js';
import type { Configuration } from './configuration.js';

/** How an image is booted; the configuration and the definition of the image say what is left out. */
export interface BootArguments {
  readonly kernel?: string;
  readonly cmdline?: string;
  /** Files with disks that the guest sees; relative paths begin in the working folder. */
  readonly disks?: readonly string[];
  /** What a good boot shows, besides what the definition and the configuration say. */
  readonly expects?: readonly Expectation[];
  /** MiB. */
  readonly memory?: number;
  /** Seconds of the guest's time. */
  readonly timeout?: number;
  readonly network?: BootRequest['network'];
  readonly accelerator?: BootRequest['accelerator'];
  readonly attest?: boolean;
}

/** Seconds. */
export const defaultTimeout = 300;

interface BootChoice {
  readonly wanted: BootArguments;
  readonly values?: Configuration;
  readonly image: FoundImage;
  /** An absolute path. */
  readonly kernel: string;
  /** Absolute paths. */
  readonly disks?: readonly string[] | undefined;
}

/** The arguments come before the configuration, which comes before the definition of the image. */
export function createBootOptions({
  wanted,
  values = {},
  image,
  kernel,
  disks = [],
}: BootChoice): BootOptions {
  return {
    kernel,
    cmdline: wanted.cmdline ?? values.cmdline ?? image.cmdline,
    memory: wanted.memory ?? values.memory,
    leastMemory: image.memory,
    timeout: wanted.timeout ?? values.timeout ?? defaultTimeout,
    network: wanted.network ?? values.network ?? 'isolated',
    accelerator: wanted.accelerator ?? 'auto',
    ...(disks.length > 0 && { disks }),
    ...(wanted.attest === true && { attest: true }),
    expects: [...[...image.expect, ...(values.expect ?? [])].map(toExpectation), ...(wanted.expects ?? [])],
  };
}

type Configured = NonNullable<Configuration['expect']>[number];

function toExpectation(value: Configured): Expectation {
  return typeof value === 'string' ? { console: value } : normaliseExpectation(value);
}

/** `kernel-missing` (`invalid`). */
export function createKernelError(image: FoundImage, hint: string): MobyPatchError {
  const folder = dirname(image.initrd);
  const message = `no kernel is known that boots this image (none lies beside it in ${folder})`;
  return new MobyPatchError('invalid', 'kernel-missing', message, { path: image.name, hint });
}
