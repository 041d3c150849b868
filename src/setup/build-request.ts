import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { writableCodecs } from '../compress/compression.js';
import type { BootWishes, BuildRequest, WriteMode } from '../model/build.js';
import type { EngineName } from '../model/engine.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec } from '../model/layout.js';
import type { Patch } from '../model/patch.js';
import type { ReadingSession } from '../model/session.js';
import { findPatch } from '../patch/language/find-patches.js';
import { loadPatch } from '../patch/language/load-patch.js';
import { suggest } from '../yaml/did-you-mean.js';
import { type BootFlags, defaultTimeout, listExpectations } from './boot-options.js';
import { type Configuration, type LoadedConfiguration, loadConfiguration } from './configuration.js';
import { lockName, readLock } from './lock-file.js';
import { findNamedImage } from './named-image.js';
import { placesOf } from './reading-session.js';

/** Beside moby-patch.yaml, or in the working folder. */
export const defaultOutput = 'initrd.patched.img';

export interface BuildFlags extends BootFlags {
  readonly image?: string;
  readonly patch?: readonly string[];
  readonly set?: readonly string[];
  readonly output?: string;
  /** `false`: no file is read; absent: moby-patch.yaml of the working folder, if there is one. */
  readonly config?: string | false;
  readonly engine?: EngineName | 'auto';
  readonly compression?: string;
  readonly level?: number;
  readonly mode?: WriteMode;
  readonly singleMember?: boolean;
  readonly verify: boolean;
  readonly locked?: boolean;
}

/** Puts the flags over the configuration file and finds everything they name. */
export async function createBuildRequest(flags: BuildFlags, session: ReadingSession): Promise<BuildRequest> {
  const { folder } = session.places;
  const configuration = await loadConfiguration(folder, flags.config);
  const { values } = configuration;
  const image = await findWantedImage(flags, configuration, session);
  const output =
    flags.output === undefined
      ? resolve(configuration.folder, values.output ?? defaultOutput)
      : resolve(folder, flags.output);
  if (output === image.initrd) {
    throw new MobyPatchError(
      'invalid',
      'output-is-input',
      'the output would replace the image it is made from',
      { path: output, hint: 'give another file: -o FILE' },
    );
  }
  const roots = placesOf(configuration.folder, session.places).patches;
  const patches = await Promise.all(
    listPatchFolders(flags, configuration, folder).map(async (name) =>
      loadPatch(await findPatch(name, roots)),
    ),
  );
  return {
    image: image.initrd,
    name: image.name,
    patches,
    settings: { ...chooseSettings(flags, values, patches), ...parseSettings(flags.set ?? []) },
    output,
    lock: flags.locked ? await readLock(join(configuration.folder, lockName)) : undefined,
    engine: flags.engine ?? values.engine ?? 'auto',
    codec: parseCodec(flags.compression ?? values.compression),
    level: flags.level ?? values.level,
    mode: flags.mode ?? values.mode,
    single: flags.singleMember ?? values['single-member'],
    verify: flags.verify
      ? chooseBoot(flags, configuration, image, folder, patches.length > 0 || hasRecoding(flags, values))
      : undefined,
    stamp: parseStamp(session.environment.SOURCE_DATE_EPOCH),
  };
}

/**
 * For `build` and `plan`: a file that is not named is for the image that it names itself, so that a build of another
 * image does not depend on the working folder.
 */
export function ignoreUnnamedFile<Flags extends BuildFlags>(flags: Flags): Flags {
  return flags.image === undefined || flags.config !== undefined ? flags : { ...flags, config: false };
}

async function findWantedImage(
  flags: BuildFlags,
  configuration: LoadedConfiguration,
  session: ReadingSession,
): Promise<FoundImage> {
  const wanted = flags.image ?? configuration.values.image;
  if (wanted === undefined)
    throw new MobyPatchError('invalid', 'image-missing', 'no image was named', {
      hint: 'moby-patch build -i IMAGE, or image: in moby-patch.yaml',
    });
  const project = configuration.folder;
  const from = flags.image === undefined ? project : session.places.folder;
  return findNamedImage(wanted, session, { project, from });
}

/** Names that are paths start at the folder of whoever wrote them. */
function listPatchFolders(flags: BuildFlags, configuration: LoadedConfiguration, folder: string): string[] {
  const from = flags.patch === undefined ? configuration.folder : folder;
  const names = flags.patch ?? configuration.values.patches ?? [];
  return names.map((name) => locatePatch(name, from));
}

/** What names a folder as an absolute path; an id as it is. */
export function locatePatch(name: string, from: string): string {
  return /[/\\]|^\./.test(name) && !isAbsolute(name) ? resolve(from, name) : name;
}

/** The file's settings are for the file's patches: with others, those that they do not know mean nothing. */
function chooseSettings(
  flags: BuildFlags,
  values: Configuration,
  patches: readonly Patch[],
): Record<string, string> {
  const settings = Object.entries(values.settings ?? {});
  if (flags.patch === undefined) return Object.fromEntries(settings);
  const known = new Set(
    patches.flatMap(({ id, parameters }) =>
      Object.keys(parameters).flatMap((name) => [name, `${id}.${name}`]),
    ),
  );
  return Object.fromEntries(settings.filter(([name]) => known.has(name)));
}

/** Error (`invalid`): `setting-invalid`. */
export function parseSettings(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name, ...value] = setting.split('=');
      if (name === undefined || name === '' || value.length === 0) {
        throw new MobyPatchError(
          'invalid',
          'setting-invalid',
          `found the setting "${setting}", wanted NAME=VALUE`,
          { hint: '-s server=192.168.65.1' },
        );
      }
      return [name, value.join('=')];
    }),
  );
}

/** Error (`invalid`): `compression-unknown`. */
export function parseCodec(name: string | undefined): Codec | undefined {
  if (name === undefined) return undefined;
  const codec = writableCodecs.find((each) => each === name);
  if (codec !== undefined) return codec;
  throw new MobyPatchError(
    'invalid',
    'compression-unknown',
    `cannot write the compression "${name}"${suggest(name, writableCodecs)}`,
    { hint: `--compression ${writableCodecs.join(' or ')}` },
  );
}

function parseStamp(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff) return Number(text);
  throw new MobyPatchError(
    'invalid',
    'stamp-invalid',
    `found SOURCE_DATE_EPOCH="${text}", wanted seconds since 1970`,
  );
}

function hasRecoding(flags: BuildFlags, values: Configuration): boolean {
  return (
    (flags.compression ?? flags.level ?? values.compression ?? values.level) !== undefined ||
    (flags.singleMember ?? values['single-member']) === true
  );
}

/** Nothing to boot is fine only where the output is the input: whoever changes an image has to prove it. */
function chooseBoot(
  flags: BuildFlags,
  configuration: LoadedConfiguration,
  image: FoundImage,
  folder: string,
  changes: boolean,
): BootWishes | undefined {
  const { values } = configuration;
  const configured = values.kernel === undefined ? undefined : resolve(configuration.folder, values.kernel);
  const kernel = flags.kernel === undefined ? (configured ?? image.kernel) : resolve(folder, flags.kernel);
  if (kernel === undefined) {
    if (!changes) return undefined;
    throw new MobyPatchError(
      'invalid',
      'kernel-missing',
      `no kernel is known that boots this image (none lies beside it in ${dirname(image.initrd)})`,
      {
        path: image.name,
        hint: '--kernel FILE, or --no-verify to write the image without a proof that it boots',
      },
    );
  }
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
