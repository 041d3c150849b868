import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sidecarSuffix } from '../format/sidecar.js';
import { openInputFile } from '../io/file/input-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { hashParts, splitFile } from '../io/file/split-file.js';
import { createSpool, type Spool } from '../io/file/spool.js';
import { createOutput, type Output, type Written } from '../io/place/output.js';
import { createScratch, type Scratch } from '../io/place/scratch.js';
import type { FileAccess } from '../model/access.js';
import { MobyPatchError } from '../model/error/error.js';
import type { TreeDiff } from '../model/image/diff.js';
import type { Layout, MemberRange } from '../model/image/layout.js';
import { limitsOfOutput } from '../model/limits.js';
import type { ReadingSession } from '../model/session.js';
import {
  createEmptySidecar,
  createUnpackedImage,
  type UnpackedImage,
} from '../repack/import/unpacked-image.js';
import { placeFiles } from '../repack/place-files.js';
import { type RepackOptions, writeImage } from '../repack/write-image.js';
import { parseCodec } from '../setup/build-request.js';
import { type ImageName, openNamedImage } from '../setup/named-image.js';
import { accessOfInput, saveStandardInput } from '../setup/standard-input.js';
import { createTarError } from '../tar/tar-header.js';
import { classifyStart } from '../unpack/image-start.js';
import { openImage } from '../unpack/open-image.js';
import { checkOutput } from '../verify/check-output.js';

/** What an image is made of, and how. */
export interface RepackSource {
  /** A folder, a tar, an image whose archives are written anew, or `-` for a tar from `input`. */
  readonly place: string;
  readonly input?: NodeJS.ReadableStream | undefined;
  /** Of the archive that holds /init; default: what it had, or gzip. */
  readonly compression?: string;
  readonly level?: number;
  /** Every compressed archive as one member, for a loader that reads only one. */
  readonly singleMember?: boolean;
  /** Bodies of files begin at multiples of so many bytes, in an archive that is not compressed. */
  readonly dataAlign?: number;
  /** Default: FOLDER.moby-patch.jsonl, where `unpack` puts it. */
  readonly sidecar?: string;
  /** The image that was unpacked: everything unchanged is copied from it. */
  readonly original?: ImageName;
}

export interface RepackRequest extends RepackSource {
  /** Absent where `split` is given. */
  readonly output?: string;
  /** A folder: it gets one file for each of which the image was joined. Error (`invalid`): `split-nothing`. */
  readonly split?: string;
}

export interface Repacked extends Layout {
  readonly output: string;
  /** What was done to the folder or tar since it was unpacked. */
  readonly diff: TreeDiff;
}

/**
 * Makes an image from a folder or tar; from one that `unpack` wrote, the same image with its changes; from an image, the same
 * records compressed anew. The image is read
 * back and checked before it takes its place. Errors (`invalid`): `compression-unknown`, `input-unreadable`,
 * `original-differs`; those of reading the place and of writing the output.
 */
export async function repack(request: RepackRequest, session: ReadingSession): Promise<Repacked> {
  const { output, split, ...source } = request;
  const name = chooseName(output, split);
  const path = resolve(session.places.folder, name);
  await using scratch = await createScratch();
  // A folder is not replaced: what it gets is cut out of a file beside it.
  const place = { path: split === undefined ? path : `${path}.joined`, name };
  await using written = await writeChecked(place, { source, scratch, session });
  if (split === undefined) await written.publish();
  else {
    const { files: parts } = written.layout;
    if (parts === undefined)
      throw new MobyPatchError('invalid', 'split-nothing', 'it was not unpacked from several files', {
        path: source.place,
        hint: 'give one file for the image: -o FILE',
      });
    await splitFile(written.path, { parts, folder: path, inputs: written.inputs, signal: session.signal });
  }
  return { output: path, ...written.layout, diff: written.diff };
}

/** Errors (`invalid`): `output-missing`, `output-twice`. */
function chooseName(output: string | undefined, split: string | undefined): string {
  const hint = '-o FILE, or --split DIRECTORY';
  if (output !== undefined && split !== undefined)
    throw new MobyPatchError(
      'invalid',
      'output-twice',
      'both a file and a folder were named for the output',
      {
        hint,
      },
    );
  const name = split ?? output;
  if (name !== undefined) return name;
  throw new MobyPatchError('invalid', 'output-missing', 'no output was named', { hint });
}

/** The same image as a stream, which begins when the image has been checked. Errors: those of `repack`, before the first byte. */
export async function* repackToStream(
  source: RepackSource,
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  await using scratch = await createScratch();
  const output = { path: join(scratch.path, 'output.img'), name: '-' };
  await using written = await writeChecked(output, { source, scratch, session });
  yield* streamRegular(written.path);
}

interface Run {
  readonly source: RepackSource;
  readonly scratch: Scratch;
  readonly session: ReadingSession;
}

interface Checked extends Output {
  readonly inputs: readonly FileAccess[];
  readonly layout: Layout;
  readonly diff: TreeDiff;
}

/** `name`: what messages call the output. */
async function writeChecked(
  { path, name }: { readonly path: string; readonly name: string },
  run: Run,
): Promise<Checked> {
  const { source, scratch, session } = run;
  const { signal, limits } = session;
  const codec = parseCodec(source.compression);
  const spool = createSpool(scratch.path);
  const inputs = await listInputs(run);
  await using base = await openPlace(run, spool);
  const places = new Map<number, MemberRange>();
  const onPlaced = (segment: number, place: MemberRange) => places.set(segment, place);
  const { level, singleMember: single, dataAlign } = source;
  const options = { codec, level, single, dataAlign, spool, onPlaced };
  const output = await writeOutput(path, { base, options, inputs, run });
  try {
    const { layout } = base.archive;
    const files = layout.files && (await hashParts(output.path, placeFiles(layout, places, output.size)));
    await using image = await openImage(output.path, {
      signal,
      limits: limitsOfOutput(limits),
      name,
      files,
      onWork: session.onWork,
    });
    return {
      ...output,
      inputs,
      layout: image.layout,
      diff: await checkOutput(base.archive, image, base.changes),
    };
  } catch (error) {
    await output[Symbol.asyncDispose]();
    throw error;
  }
}

/** What the image is made of; a file stays open until it is disposed of. */
interface Place extends UnpackedImage, AsyncDisposable {
  readonly recompress?: true | undefined;
}

interface WriteRequest {
  readonly base: Place;
  readonly options: RepackOptions;
  /** Who may read what it is made from. */
  readonly inputs: readonly FileAccess[];
  readonly run: Run;
}

async function writeOutput(
  path: string,
  { base, options: wanted, inputs, run }: WriteRequest,
): Promise<Output & Written> {
  const { source, session } = run;
  const { signal } = session;
  const options = { ...wanted, signal };
  const { archive, changes, recompress } = base;
  if (source.original === undefined) {
    const bytes = writeImage(archive, changes, { ...options, recompress });
    return createOutput(bytes, { destination: path, inputs, signal });
  }
  await using original = await openNamedImage(source.original, session, { input: source.input });
  if (original.layout.sha256 !== archive.layout.sha256)
    throw new MobyPatchError('invalid', 'original-differs', 'this is not the image that was unpacked', {
      path: original.name,
      hint: `the image that was unpacked is ${archive.name}, sha256 ${archive.layout.sha256}`,
    });
  const all = [...inputs, original.access];
  return await createOutput(writeImage(original, changes, options), {
    destination: path,
    inputs: all,
    signal,
  });
}

/** Who may read the folder or tar, and the sidecar. */
async function listInputs({ source, session }: Run): Promise<FileAccess[]> {
  const { place, input, sidecar } = source;
  if (place === '-' && input !== undefined) return [accessOfInput(input)];
  const path = resolve(session.places.folder, place);
  const lines = sidecar === undefined ? `${path}${sidecarSuffix}` : resolve(session.places.folder, sidecar);
  const found = await Promise.all([path, lines].map((each) => stat(each).catch(() => undefined)));
  return found.filter((each) => each !== undefined);
}

async function openPlace({ source, scratch, session }: Run, spool: Spool): Promise<Place> {
  const { place, input } = source;
  const isStream = place === '-' && input !== undefined;
  const path = isStream ? join(scratch.path, 'stdin.tar') : resolve(session.places.folder, place);
  if (isStream) await saveStandardInput(input, { path, refuse: refuseTarStart }, session);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (cause: NodeJS.ErrnoException) => {
      const message = `cannot open it: ${cause.code}`;
      throw new MobyPatchError('invalid', 'input-unreadable', message, { path: place, cause });
    },
  );
  const options = { path, source, spool, session };
  if (!isFolder && (await isImage(path, place))) return openAnew(options);
  const unpacked = await (isFolder ? openFolder(options) : openTar(options));
  return { ...unpacked, async [Symbol.asyncDispose]() {} };
}

/** An archive or a compressed member stands at its start, and no tar. */
async function isImage(path: string, name: string): Promise<boolean> {
  // Anything but a regular file is left to the tar reader, whose error names it.
  if (!(await stat(path)).isFile()) return false;
  await using file = await openInputFile(path, name);
  const start = await file.read(0, Math.min(512, file.size));
  const kind = classifyStart(start, 0);
  return kind !== 'opaque' && kind !== 'padding' && !isTarHeader(start);
}

/** A name in a tar may begin with the letters of a codec, and an image may have digits where a tar has its checksum. */
function isTarHeader(start: Uint8Array): boolean {
  const digits = Buffer.from(start.subarray(148, 156))
    .toString('latin1')
    .replace(/[ \0]+$/, '')
    .trim();
  const sum = start.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return start.length === 512 && Number.parseInt(digits, 8) === sum;
}

async function openAnew({ path, source, session: { signal, limits } }: PlaceOptions): Promise<Place> {
  const image = await openImage(path, { signal, limits, name: source.place });
  return {
    archive: image,
    changes: [],
    recompress: true,
    [Symbol.asyncDispose]: () => image[Symbol.asyncDispose](),
  };
}

interface PlaceOptions {
  readonly path: string;
  readonly source: RepackSource;
  readonly spool: Spool;
  readonly session: ReadingSession;
}

async function openTar({ path, source: { place }, spool, session }: PlaceOptions): Promise<UnpackedImage> {
  const { readTar } = await import('../repack/import/read-tar.js');
  const { tree, sidecar } = await readTar(path, place, spool, session.signal).catch((error) => {
    throw explainTar(error, place);
  });
  if (sidecar === undefined) warn(place, 'it has no sidecar', session);
  return createUnpackedImage(sidecar ?? createEmptySidecar(place), tree);
}

async function openFolder({ path, source, spool, session }: PlaceOptions): Promise<UnpackedImage> {
  const { readFolder } = await import('../repack/import/read-folder.js');
  const { readSidecarFile } = await import('../repack/import/read-sidecar.js');
  const named = source.sidecar === undefined ? undefined : resolve(session.places.folder, source.sidecar);
  const file = named ?? `${path}${sidecarSuffix}`;
  const isThere = named !== undefined || (await stat(file).catch(() => undefined)) !== undefined;
  if (!isThere) warn(source.place, `there is no ${file}`, session);
  const sidecar = isThere ? await readSidecarFile(file, spool) : createEmptySidecar(source.place);
  return createUnpackedImage(sidecar, await readFolder(path, session.signal));
}

/** Not an error: a root file system from anywhere makes an image too. */
function warn(place: string, why: string, { log }: ReadingSession): void {
  log(`moby-patch: ${place} is not from unpack (${why}): its contents become one new archive`);
}

/** A header has a checksum of all of it in octal digits; zeros are an empty tar. */
function refuseTarStart(start: Uint8Array): MobyPatchError | undefined {
  const digits = Buffer.from(start.subarray(148, 156)).toString('latin1');
  const isStart = /^[0-7 \0]{8}$/.test(digits) || start.every((byte) => byte === 0);
  if (start.length === 512 && isStart) return undefined;
  return createTarError('tar-header', 'found no tar on standard input', 0);
}

/** The reader of a tar knows neither its name nor what else the user could have meant. */
function explainTar(error: unknown, place: string): unknown {
  if (!(error instanceof MobyPatchError) || !/^tar-(header|truncated|type)$/.test(error.code)) return error;
  const { kind, code, message, offset, cause } = error;
  const hint = 'give a folder or an uncompressed tar, as moby-patch unpack writes them';
  return new MobyPatchError(kind, code, message, { path: place, offset, hint, cause });
}
