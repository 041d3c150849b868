import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FoundImage } from '../catalog/find-image.js';
import { writableCodecs } from '../compress/compression.js';
import { explainForeign } from '../compress/foreign.js';
import { type FileToJoin, nameFiles } from '../io/file/join-files.js';
import { type BuildRequest, isAppending, type WriteMode } from '../model/build.js';
import { MobyPatchError, uniteErrors } from '../model/error/error.js';
import type { Codec } from '../model/image/layout.js';
import type { EngineName, StepLimits } from '../model/patch/engine.js';
import type { Patch } from '../model/patch/patch.js';
import type { NamedOutput } from '../model/place.js';
import type { Places, ReadingSession } from '../model/session.js';
import { refuseExposed } from '../patch/language/parameters.js';
import { isReference, parseReference } from '../registry/reference.js';
import { suggest } from '../yaml/did-you-mean.js';
import { type BootArguments, createKernelError } from './boot-options.js';
import {
  chooseBoot,
  isChanging,
  listObstacles,
  listOverlayFaults,
  listRootFaults,
  listSigningFaults,
} from './choose-boot.js';
import { chooseOutput } from './choose-output.js';
import { chooseSettings, keepKnown } from './choose-settings.js';
import {
  type Configuration,
  configurationName,
  type LoadedConfiguration,
  loadConfiguration,
} from './configuration.js';
import { findPatched } from './find-patched.js';
import { listReads } from './list-reads.js';
import { lockName, readLock } from './lock-file.js';
import { listNameFaults, unwritten } from './name-faults.js';
import { findNamedImage, type ImageName } from './named-image.js';
import { loadNamedPatches, type NamedPatches } from './named-patches.js';
import { placesOf } from './reading-session.js';
import { type LoadedSecrets, loadSecrets, type SecretSources } from './secrets.js';

/** What a build is made of; the configuration says what is left out. Relative paths begin in the working folder. */
export interface BuildArguments extends BootArguments {
  /** Several files are read as one image. */
  readonly image?: ImageName;
  /** Folders or ids. */
  readonly patches?: readonly string[];
  /** Values of parameters, by `NAME` or `PATCH.NAME`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the values of secrets come from, by `NAME` or `PATCH.NAME`. */
  readonly secrets?: SecretSources;
  /** Whether a secret may have no value, for a use case that builds nothing. */
  readonly mayLackSecrets?: boolean;
  readonly output?: string;
  /** `false`: for a use case that leaves nothing in the place of the output. */
  readonly writes?: boolean;
  /** What the caller writes besides, by absolute paths. */
  readonly beside?: readonly NamedOutput[];
  /** Whether the folder of the output is made where there is none. */
  readonly makesFolder?: boolean;
  /** A folder in place of the output: one file for each of the image. */
  readonly split?: string;
  /** `false`: no file is read; absent: moby-patch.yaml of the working folder, if there is one; or what one of its targets has. */
  readonly config?: string | false | LoadedConfiguration;
  readonly engine?: EngineName | 'auto';
  /** MiB. */
  readonly stepMemory?: number;
  readonly stepProcesses?: number;
  readonly compression?: string;
  readonly level?: number;
  readonly mode?: WriteMode;
  /** `overlay`: the output is only what is appended. */
  readonly as?: 'image' | 'overlay' | 'addon';
  readonly singleMember?: boolean;
  readonly dataAlign?: number;
  readonly verify: boolean;
  /** Paths of the image that may be other files than steps were written for. */
  readonly accept?: readonly string[];
  readonly locked?: boolean;
  /** No step gets a network; packages come from what is kept beside the lock. */
  readonly offline?: boolean;
  /** Leave out signatures of a wrapper: they hold for the old content alone. */
  readonly dropSignatures?: boolean;
  /** Signs a new UKI or an addon. */
  readonly signWith?: string;
  /** Make the changes twice, and refuse them where they differ. */
  readonly twice?: boolean;
  readonly compareStock?: boolean;
  readonly provenance?: boolean;
  readonly record?: boolean;
  readonly again?: boolean;
}

/**
 * Puts the arguments over the configuration file and finds everything that both name. Faults that need nothing else to be
 * seen are in the request, for a build to tell them together with those of the machine. Errors (`invalid`):
 * `image-missing`, `image-unknown`, `output-twice`, `secret-exposed`, `secret-invalid`, `stamp-invalid`, `lock-missing`.
 */
export async function createBuildRequest(
  wanted: BuildArguments,
  session: ReadingSession,
): Promise<BuildRequest> {
  const { places, environment } = session;
  const configuration = await loadConfiguration(places.folder, wanted.config);
  const { values } = configuration;
  if (wanted.offline) refuseRemote([wanted.image ?? values.image ?? []].flat());
  const { image, files } = await findWantedImage(wanted, configuration, session);
  const { output, split } = wanted.writes === false ? unwritten : chooseOutput(wanted, configuration, places);
  const { patches, faults: patchFaults } = await loadPatches(wanted, configuration, places);
  const isWhole = patchFaults.length === 0;
  const faults = [...patchFaults];
  // What is given to a patch that could not be read would seem to be unknown.
  const chosen = chooseSettings(wanted, configuration, patches);
  const settings = isWhole ? chosen : keepKnown(chosen, patches);
  // A secret among them is refused before somebody is asked for its value.
  refuseExposed(patches, settings);
  const secrets = await chooseSecrets({ wanted, configuration, patches, isWhole }, session);
  faults.push(...secrets.faults);
  const request = {
    faults,
    image: image.initrd,
    wrapped: image.wrapped,
    name: nameFiles(files),
    ...(split && { split }),
    ...((split || files.length > 1) && { files }),
    patches,
    settings,
    secrets: secrets.secrets,
    warnings: secrets.warnings,
    output,
    beside: wanted.beside,
    makesFolder: wanted.makesFolder,
    sharedCache: chooseSharedCache(wanted, values),
    accept: [...(values.accept ?? []), ...(wanted.accept ?? [])],
    twice: wanted.twice,
    compareStock: wanted.compareStock,
    provenance: wanted.provenance,
    record: wanted.record,
    again: wanted.again,
    ...(await findPatched(image.initrd)),
    ...(await loadLock(wanted, configuration.folder)),
    engine: wanted.engine ?? values.engine ?? 'auto',
    limits: chooseStepLimits(wanted, values),
    codec: await collectFault(faults, () => parseCodec(wanted.compression ?? values.compression)),
    level: wanted.level ?? values.level,
    as: wanted.as,
    signWith: wanted.signWith,
    mode: isAppending(wanted.as) ? 'append' : (wanted.mode ?? values.mode),
    single: wanted.singleMember ?? values['single-member'],
    dataAlign: wanted.dataAlign ?? values['data-align'],
    stamp: parseStamp(environment.SOURCE_DATE_EPOCH),
  };
  faults.push(
    ...listObstacles(request, wanted.dropSignatures === true),
    ...listSigningFaults(request),
    ...listOverlayFaults(request, wanted),
    ...listRootFaults(request, wanted),
  );
  const boot = chooseBoot({ wanted, configuration, places, image });
  const verify = wanted.verify ? boot : undefined;
  const reads = listReads({ files, boot, patches, secrets: secrets.secrets, configuration });
  faults.push(...listNameFaults({ ...request, verify, reads }, files, wanted));
  if (!wanted.verify || verify !== undefined) return { ...request, verify, reads };
  // Without a kernel nothing proves that a changed image boots; an output that is the input needs no proof.
  if (isChanging(request) || !isWhole) faults.push(await explainNoKernel(image));
  return { ...request, reads };
}

async function explainNoKernel(image: FoundImage): Promise<MobyPatchError> {
  const hint = '--kernel FILE, or --no-verify to write the image without a proof that it boots';
  // What is no initrd needs no kernel.
  const foreign = image.wrapped === undefined ? await explainForeign(image.initrd, image.name) : undefined;
  return foreign ?? createKernelError(image, hint);
}

/** For a caller that does not build what was requested at once. */
export function assertNoFaults({ faults = [] }: BuildRequest): void {
  const [first, ...rest] = faults;
  if (first !== undefined) throw uniteErrors('request-invalid', 'the request is wrong', [first, ...rest]);
}

async function collectFault<T>(faults: MobyPatchError[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MobyPatchError)) throw error;
    faults.push(error);
    return undefined;
  }
}

/**
 * For `build` and `plan`: a file that is not named is for the image that it names itself, so that a build of another
 * image does not depend on the working folder.
 */
export function ignoreUnnamedFile<Wanted extends Pick<BuildArguments, 'image' | 'config'>>(
  wanted: Wanted,
): Wanted {
  return wanted.image === undefined || wanted.config !== undefined ? wanted : { ...wanted, config: false };
}

/**
 * One line about the file that `ignoreUnnamedFile` leaves out, if there is one. Its mistakes are no concern of a build
 * that does not use it.
 */
export async function describeIgnoredFile(
  wanted: Pick<BuildArguments, 'image' | 'config'>,
  { folder }: Places,
): Promise<string | undefined> {
  if (wanted.image === undefined || wanted.config !== undefined) return undefined;
  if (!(await stat(join(folder, configurationName)).catch(() => undefined))?.isFile()) return undefined;
  const loaded = await loadConfiguration(folder, undefined).catch(() => undefined);
  const patches = loaded?.values.patches ?? [];
  const what = patches.length > 0 ? `, with its patches (${patches.join(', ')}),` : '';
  return `${configurationName}${what} is not used, since -i names the image; to use it: -c ${configurationName}`;
}

/** Error (`invalid`): `registry-reference`. */
function chooseSharedCache({ offline }: BuildArguments, { cache }: Configuration): string | undefined {
  return offline || cache === undefined ? undefined : parseReference(cache).text;
}

interface WantedImage {
  /** The first one: its definition says how all of them boot. */
  readonly image: FoundImage;
  readonly files: readonly FileToJoin[];
}

async function findWantedImage(
  wanted: BuildArguments,
  configuration: LoadedConfiguration,
  session: ReadingSession,
): Promise<WantedImage> {
  const names = wanted.image ?? configuration.values.image;
  if (names === undefined)
    throw new MobyPatchError('invalid', 'image-missing', 'no image was named', {
      hint: '-i IMAGE, or image: in moby-patch.yaml, which moby-patch init writes',
    });
  const project = configuration.folder;
  const from = wanted.image === undefined ? project : session.places.folder;
  const found: FoundImage[] = [];
  for (const name of [names].flat()) found.push(await findNamedImage(name, session, { project, from }));
  const [image] = found;
  if (image === undefined) throw new Error('a list of images is never empty');
  return { image, files: found.map(({ name, initrd }) => ({ name, path: initrd })) };
}

/** Error (`invalid`): `offline-network`. */
function refuseRemote(names: readonly string[]): void {
  const remote = names.find(isReference);
  if (remote === undefined) return;
  const message = `the image ${remote} is in a registry, and --offline forbids a network`;
  const hint = `moby-patch pull ${remote} -o initrd.gz while there is a network, then -i initrd.gz`;
  throw new MobyPatchError('invalid', 'offline-network', message, { hint });
}

/** Of the lock, with what is kept beside it where no network may be used. */
async function loadLock(
  { locked, offline }: BuildArguments,
  folder: string,
): Promise<Pick<BuildRequest, 'lock' | 'offline' | 'vendor'>> {
  const lock = locked ? await readLock(join(folder, lockName)) : undefined;
  if (!offline) return { lock };
  const vendor = lock?.vendor && { ...lock.vendor, folder: resolve(folder, lock.vendor.folder) };
  return { lock, offline, vendor };
}

/** A relative path begins in the folder of the configuration, or in the working folder, by where it is written. */
function loadPatches(
  { patches }: BuildArguments,
  { values, folder }: LoadedConfiguration,
  places: Places,
): Promise<NamedPatches> {
  const from = patches === undefined ? folder : places.folder;
  return loadNamedPatches(patches ?? values.patches ?? [], { from, roots: placesOf(folder, places).patches });
}

function chooseStepLimits(
  { stepMemory, stepProcesses }: BuildArguments,
  values: Configuration,
): Partial<StepLimits> {
  const memory = stepMemory ?? values['step-memory'];
  const processes = stepProcesses ?? values['step-processes'];
  return { ...(memory === undefined ? {} : { memory }), ...(processes === undefined ? {} : { processes }) };
}

function locateSources(sources: SecretSources = {}, from: string): SecretSources {
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [
      name,
      'file' in source ? { file: resolve(from, source.file) } : source,
    ]),
  );
}

interface SecretChoice {
  readonly wanted: BuildArguments;
  readonly configuration: LoadedConfiguration;
  readonly patches: readonly Patch[];
  readonly isWhole: boolean;
}

/** Those of the file that no patch declares are for other patches, as its settings are. */
function chooseSecrets(
  { wanted, configuration, patches, isWhole }: SecretChoice,
  session: ReadingSession,
): Promise<LoadedSecrets> {
  const { values, folder } = configuration;
  const given = locateSources(wanted.secrets, session.places.folder);
  const request = {
    patches,
    given: isWhole ? given : keepKnown(given, patches),
    configured: locateSources(values.secrets, folder),
    isRequired: wanted.mayLackSecrets !== true,
  };
  return loadSecrets(request, session);
}

/** Error (`invalid`): `compression-unknown`. */
export function parseCodec(name: string | undefined): Codec | undefined {
  if (name === undefined) return undefined;
  const codec = writableCodecs.find((each) => each === name);
  if (codec !== undefined) return codec;
  const message = `cannot write the compression "${name}"${suggest(name, writableCodecs)}`;
  const hint = `--compression ${writableCodecs.join(' or ')}`;
  throw new MobyPatchError('invalid', 'compression-unknown', message, { hint });
}

function parseStamp(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff) return Number(text);
  const message = `found SOURCE_DATE_EPOCH="${text}", wanted seconds since 1970`;
  throw new MobyPatchError('invalid', 'stamp-invalid', message);
}
