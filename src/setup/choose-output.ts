import { resolve } from 'node:path';
import type { FileToJoin } from '../io/file/join-files.js';
import { nameIn } from '../io/file/split-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Places } from '../model/session.js';
import type { LoadedConfiguration } from './configuration.js';

/** Beside moby-patch.yaml, or in the working folder. */
const defaultOutput = 'initrd.patched.img';

/** It boots nothing by itself, so it has another name. */
const defaultOverlay = 'initrd.overlay.img';

/** Files around an initrd, whose ending tells other programs what they are. */
const wrapper = /([^/\\]*)\.(iso|efi|itb|squashfs|sqfs|erofs)(?:#.*)?$/i;

interface OutputNames {
  readonly image?: string | readonly string[] | undefined;
  readonly as?: string | undefined;
  readonly output?: string | undefined;
  readonly split?: string | undefined;
}

export interface ChosenOutput {
  /** An absolute path. */
  readonly output: string;
  /** It is a folder, which gets one file for each of the image. */
  readonly split: boolean;
}

/** Flags come before the configuration. Error (`invalid`): `output-twice`. */
export function chooseOutput(
  flags: OutputNames,
  { folder, values }: LoadedConfiguration,
  places: Places,
): ChosenOutput {
  const isOf = (names: OutputNames) => (names.output ?? names.split) !== undefined;
  const [names, from] = isOf(flags) ? [flags, places.folder] : [values, folder];
  if (names.output !== undefined && names.split !== undefined)
    throw new MobyPatchError(
      'invalid',
      'output-twice',
      'both a file and a folder were named for the output',
      {
        hint: 'give one of them: -o FILE, or --split DIRECTORY',
      },
    );
  const split = names.split !== undefined;
  const named = names.split ?? names.output ?? nameOutput(flags.image ?? values.image, flags.as);
  return { output: resolve(from, named), split };
}

/** `vendor.iso` becomes `vendor.patched.iso`. */
function nameOutput(image: OutputNames['image'], as = 'image'): string {
  if (as === 'overlay') return defaultOverlay;
  const [, base, ending] = wrapper.exec([image ?? ''].flat()[0] ?? '') ?? [];
  if (base === undefined) return defaultOutput;
  return `${base}.${as === 'addon' ? 'addon' : 'patched'}.${ending}`;
}

/** Two files of one name. Error (`invalid`): `split-names`. */
export function findSameNames(
  { output, split }: ChosenOutput,
  files: readonly FileToJoin[],
): readonly MobyPatchError[] {
  const written = split ? files.map(({ name }) => nameIn(output, name)) : [];
  const twice = written.find((path, index) => written.indexOf(path) < index);
  return twice === undefined ? [] : [createSameNameError(twice)];
}

function createSameNameError(path: string): MobyPatchError {
  const message = 'two files of the image have this name, and both would be written to it';
  return new MobyPatchError('invalid', 'split-names', message, { path, hint: 'rename one of them' });
}
