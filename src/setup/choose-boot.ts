import { resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { type BootOptions, type BuildRequest, isAppending, type WriteMode } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import { isRootKind } from '../model/image/wrapper.js';
import type { Places } from '../model/session.js';
import { type BootArguments, createBootOptions } from './boot-options.js';
import type { LoadedConfiguration } from './configuration.js';

export interface BootChoices {
  readonly wanted: BootArguments;
  readonly configuration: LoadedConfiguration;
  readonly places: Places;
  readonly image: FoundImage;
}

/** How the output is booted: with the kernel that is named, that beside the image, or that of the wrapper; undefined: there is none. */
export function chooseBoot({ wanted, configuration, places, image }: BootChoices): BootOptions | undefined {
  const { values } = configuration;
  const kernel = chooseKernel(wanted, configuration, places) ?? image.kernel;
  const disks = chooseDisks(wanted, configuration, places);
  if (kernel !== undefined) return createBootOptions({ wanted, values, image, kernel, disks });
  const part = image.wrapped?.boot.kernel;
  if (part === undefined) return undefined;
  return { ...createBootOptions({ wanted, values, image, kernel: part, disks }), kernelIsPart: true };
}

function chooseKernel(
  wanted: BootArguments,
  configuration: LoadedConfiguration,
  places: Places,
): string | undefined {
  if (wanted.kernel !== undefined) return resolve(places.folder, wanted.kernel);
  const { kernel } = configuration.values;
  return kernel === undefined ? undefined : resolve(configuration.folder, kernel);
}

/** Those of the arguments in place of those of the configuration: their order gives them their names. */
function chooseDisks(
  { disks }: BootArguments,
  { values, folder }: LoadedConfiguration,
  places: Places,
): readonly string[] {
  if (disks !== undefined) return disks.map((path) => resolve(places.folder, path));
  return (values.disks ?? []).map((path) => resolve(folder, path));
}

export function isChanging({ patches, codec, level, single, dataAlign }: BuildRequest): boolean {
  return patches.length > 0 || (codec ?? level ?? dataAlign) !== undefined || single === true;
}

/** What keeps another initrd from being put into the wrapper. Error (`invalid`): `wrapper-unfit`. */
export function listObstacles(request: BuildRequest, dropSignatures: boolean): MobyPatchError[] {
  const { name, wrapped } = request;
  // Beside an addon or an overlay the file itself stays as it is.
  if (wrapped === undefined || !isChanging(request) || isAppending(request.as)) return [];
  const { wrapper, boot } = wrapped;
  const isGone = dropSignatures || request.signWith !== undefined;
  const obstacle = [wrapper.obstacle, wrapper.parts.get(boot.initrd)?.obstacle].find(
    (each) => each !== undefined && !(each.isSignature && isGone),
  );
  if (obstacle === undefined) return [];
  const { message, hint } = obstacle;
  return [new MobyPatchError('invalid', 'wrapper-unfit', message, { path: name, hint })];
}

/** Only a program for EFI can be signed. Error (`invalid`): `wrapper-unfit`. */
export function listSigningFaults({ signWith, wrapped, name }: BuildRequest): MobyPatchError[] {
  if (signWith === undefined || wrapped?.wrapper.kind === 'uki') return [];
  const message = '--sign-with signs a UKI or an addon, and it is none';
  return [
    new MobyPatchError('invalid', 'wrapper-unfit', message, { path: name, hint: 'leave out --sign-with' }),
  ];
}

/** A file system is written as it was; what shapes an archive has no place in it. Error (`invalid`): `wrapper-unfit`. */
export function listRootFaults(request: BuildRequest, { attest }: BootArguments): MobyPatchError[] {
  const { wrapped, name, codec, level, mode, single, dataAlign } = request;
  if (wrapped === undefined || !isRootKind(wrapped.wrapper.kind)) return [];
  const options = [
    ...(codec === undefined ? [] : ['--compression']),
    ...(level === undefined ? [] : ['--level']),
    ...(mode === undefined || mode === 'rewrite' || isAppending(request.as) ? [] : ['--mode']),
    ...(single === true ? ['--single-member'] : []),
    ...(dataAlign === undefined ? [] : ['--data-align']),
    ...(attest === true ? ['--attest'] : []),
  ];
  if (options.length === 0) return [];
  const message = `${options.join(', ')} ${options.length > 1 ? 'are' : 'is'} for initrds, and it is ${wrapped.wrapper.title}`;
  const hint = 'leave it out: a file system keeps the compression that it has';
  return [new MobyPatchError('invalid', 'wrapper-unfit', message, { path: name, hint })];
}

/** Only an initrd of its own can have another file behind it. Error (`invalid`): `overlay-unfit`. */
export function listOverlayFaults(
  { as, wrapped, split, patches, name }: BuildRequest,
  { mode }: { readonly mode?: WriteMode },
): MobyPatchError[] {
  if (!isAppending(as)) return [];
  const isUki = wrapped?.wrapper.kind === 'uki';
  const isKernel = wrapped?.wrapper.kind === 'kernel';
  const leave = `leave out --as ${as}`;
  const found = wrapped?.wrapper.title ?? 'an initrd';
  const problems: readonly (readonly [problem: string, hint: string])[] = [
    ...(as === 'addon' && !isUki
      ? [
          [
            `--as addon is for a UKI, found ${found}`,
            wrapped === undefined ? '--as overlay: a boot loader puts that behind an initrd' : leave,
          ] as const,
        ]
      : []),
    ...(as === 'overlay' && wrapped !== undefined && !isKernel
      ? [[`--as overlay is for a bare initrd, found ${found}`, isUki ? '--as addon' : leave] as const]
      : []),
    ...(split
      ? [
          [
            '--split writes one file for each of the image, wanted one in all',
            'give -o FILE instead',
          ] as const,
        ]
      : []),
    ...(mode === undefined || mode === 'append'
      ? []
      : [[`--mode ${mode} does not append, as --as ${as} does`, `leave out --mode, or --as ${as}`] as const]),
    ...(patches.length > 0 ? [] : [['without a patch nothing is appended', 'name one: -p PATCH'] as const]),
  ];
  return problems.map(
    ([problem, hint]) => new MobyPatchError('invalid', 'overlay-unfit', problem, { path: name, hint }),
  );
}
