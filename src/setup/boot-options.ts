import { dirname } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import type { BootOptions } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { BootRequest } from '../model/result/boot.js';
import type { Expectation } from '../model/result/expectation.js';
import { normaliseExpectation } from '../patch/language/normalise-expectation.js';
import type { Configuration } from './configuration.js';

/** What the command line says of a boot. */
export interface BootFlags {
  readonly kernel?: string;
  readonly cmdline?: string;
  readonly expect?: readonly string[];
  readonly expectFile?: readonly string[];
  readonly expectService?: readonly string[];
  readonly expectMount?: readonly string[];
  readonly expectPort?: readonly number[];
  readonly expectCommand?: readonly string[];
  readonly expectPoweroff?: boolean;
  readonly expectWithin?: number;
  readonly memoryBelow?: number;
  /** `all`, or names. */
  readonly allowFailed?: readonly string[];
  readonly memory?: number;
  readonly timeout?: number;
  readonly network?: BootRequest['network'];
  readonly accelerator?: BootRequest['accelerator'];
  readonly attest?: boolean;
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
    ...(flags.attest === true && { attest: true }),
    expects: listExpectations(flags, [...image.expect, ...(values.expect ?? [])]),
  };
}

type Configured = NonNullable<Configuration['expect']>[number];

/** What a good boot shows: what the definition and the configuration say, then the flags. */
function listExpectations(flags: BootFlags, configured: readonly Configured[]): Expectation[] {
  const all = <T>(values: readonly T[] | undefined, create: (value: T) => Expectation) =>
    (values ?? []).map(create);
  return [
    ...configured.map((value) =>
      typeof value === 'string' ? { console: value } : normaliseExpectation(value),
    ),
    ...all(flags.expect, (console) => ({ console })),
    ...all(flags.expectFile, (text) => {
      const [file = '', ...content] = text.split('=');
      return content.length === 0 ? { file } : { file, content: content.join('=') };
    }),
    ...all(flags.expectService, (service) => ({ service })),
    ...all(flags.expectMount, (text) => {
      const [mount = '', type] = text.split('=');
      return type === undefined ? { mount } : { mount, type };
    }),
    ...all(flags.expectPort, (port) => ({ port })),
    ...all(flags.expectCommand, (command) => ({ command })),
    ...(flags.expectPoweroff === true ? [{ poweroff: true } as const] : []),
    ...(flags.expectWithin === undefined ? [] : [{ within: flags.expectWithin }]),
    ...(flags.memoryBelow === undefined ? [] : [{ 'memory-below': flags.memoryBelow }]),
    ...(flags.allowFailed === undefined ? [] : [allowFailed(flags.allowFailed)]),
  ];
}

function allowFailed(names: readonly string[]): Expectation {
  return names.includes('all')
    ? { 'no-failed-services': false }
    : { 'no-failed-services': true, except: names };
}

/** `kernel-missing` (`invalid`). */
export function createKernelError(image: FoundImage, hint: string): MobyPatchError {
  const folder = dirname(image.initrd);
  const message = `no kernel is known that boots this image (none lies beside it in ${folder})`;
  return new MobyPatchError('invalid', 'kernel-missing', message, { path: image.name, hint });
}
