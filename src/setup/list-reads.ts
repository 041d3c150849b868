import { join } from 'node:path';
import type { FileToJoin } from '../io/file/join-files.js';
import type { BootOptions } from '../model/build.js';
import type { Patch } from '../model/patch/patch.js';
import type { Secret } from '../model/patch/secret.js';
import type { NamedInput, NamedOutput } from '../model/place.js';
import { patchFile } from '../patch/language/load-patch.js';
import type { LoadedConfiguration } from './configuration.js';
import { lockName } from './lock-file.js';

export interface ReadFiles {
  readonly files: readonly FileToJoin[];
  readonly boot: BootOptions | undefined;
  readonly patches: readonly Patch[];
  readonly secrets: readonly Secret[];
  readonly configuration: LoadedConfiguration;
}

/** All files that a request names, but for those that the steps of its patches name. */
export function listReads({ files, boot, patches, secrets, configuration }: ReadFiles): NamedInput[] {
  const { folder, file } = configuration;
  return [
    ...files.map(({ path }) => ({ path, what: 'the image it is made from' })),
    ...(boot === undefined ? [] : listBootReads(boot)),
    ...patches.map(({ id, folder }) => ({ path: join(folder, patchFile), what: `the patch ${id}` })),
    ...secrets.flatMap(({ name, source }) =>
      source !== undefined && 'file' in source
        ? [{ path: source.file, what: `the file with the secret ${name}` }]
        : [],
    ),
    ...(file === undefined ? [] : [{ path: file, what: 'the configuration' }]),
    { path: join(folder, lockName), what: 'the lock' },
  ];
}

/** The files of the machine that boots an image. */
export function listBootReads({
  kernel,
  kernelIsPart = false,
  disks = [],
}: Pick<BootOptions, 'kernel' | 'kernelIsPart' | 'disks'>): NamedInput[] {
  return [
    ...(kernelIsPart ? [] : [{ path: kernel, what: 'the kernel that boots it' }]),
    ...disks.map((path) => ({ path, what: 'a disk of the guest' })),
  ];
}

/** The file of `--console`. */
export function nameConsoleOutput(path: string): NamedOutput {
  return { path, what: 'the console', hint: 'give another file: --console FILE' };
}
