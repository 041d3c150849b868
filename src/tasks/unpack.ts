import { resolve } from 'node:path';
import { showPath } from '../format/path.js';
import { createOutput } from '../io/place/output.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Entry } from '../model/image/entry.js';
import type { ReadingSession } from '../model/session.js';
import { type ImageName, openNamedImage } from '../setup/named-image.js';
import { createGlob } from '../tree/glob.js';
import type { ScannedImage } from '../unpack/collector.js';
import { openWatched } from '../unpack/open-image.js';
import { selectSegment, type View } from '../unpack/select-segment.js';

export interface UnpackRequest {
  /** A file, the id of an image definition, or `-` for `input`; several files that are one image. */
  readonly image: ImageName;
  readonly input?: NodeJS.ReadableStream | undefined;
  /** A new or empty folder, or a file whose name ends with .tar. */
  readonly output: string;
}

export interface Unpacked {
  readonly output: string;
  /** Absent for a tar, which has its sidecar inside. */
  readonly sidecar?: string;
  readonly entries: number;
  /** Paths of the image that are in the sidecar alone. */
  readonly kept: readonly string[];
}

/**
 * Writes the root of an image to a folder or a tar, which `repack` turns back into the image. Errors: those of `openImage`,
 * `image-unknown`, `output-exists` (`invalid`) for a folder that is not empty, and `output-unwritable`.
 */
export async function unpack(request: UnpackRequest, session: ReadingSession): Promise<Unpacked> {
  const { image: name, input } = request;
  const source = { input };
  const output = resolve(session.places.folder, request.output);
  if (!output.endsWith('.tar')) {
    const { unpackWhileReading } = await import('../unpack/export/to-folder.js');
    const written = await unpackWhileReading(
      (watch) =>
        openNamedImage(name, session, {
          ...source,
          open: (path, options) => openWatched(path, { ...options, watch }),
        }),
      { destination: output, signal: session.signal },
    );
    return { output, ...written };
  }
  const { listSidecarOnlyInTar, unpackToTar } = await import('../unpack/export/to-tar.js');
  await using image = await openNamedImage(name, session, source);
  await using file = await createOutput(unpackToTar(image, session.signal), {
    destination: output,
    inputs: [image.access],
    signal: session.signal,
  });
  await file.publish();
  return { output, entries: image.entries.size, kept: [...listSidecarOnlyInTar(image.entries.values())] };
}

/** The root of an image, as a tar. Errors: those of `openImage`, and `image-unknown` (`invalid`); none after the first byte but `image-changed`. */
export async function* unpackToStream(
  { image: name, input }: Omit<UnpackRequest, 'output'>,
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  const { unpackToTar } = await import('../unpack/export/to-tar.js');
  await using image = await openNamedImage(name, session, { input });
  yield* unpackToTar(image, session.signal);
}

export interface ExtractRequest extends Omit<UnpackRequest, 'output'> {
  /** The paths to write; without any, all. */
  readonly globs: readonly string[];
  /** Only what this archive brings: an index into the segments of the layout. */
  readonly segment?: number | undefined;
}

export interface FolderExtractRequest extends ExtractRequest {
  /** A new or empty folder. */
  readonly output: string;
  /** Each archive into a folder of its own, called this and a number from 1. */
  readonly subdir?: string | undefined;
}

export interface ExtractedParts {
  readonly output: string;
  readonly entries: number;
  /** Paths that the folder cannot have. */
  readonly left: readonly string[];
}

/**
 * Writes parts of an image to a folder, of which no image can be made again. Errors (`invalid`): `path-not-found`,
 * `segment-unknown`, `subdir-invalid`.
 */
export async function extract(
  request: FolderExtractRequest,
  session: ReadingSession,
): Promise<ExtractedParts> {
  const { image: name, input, subdir } = request;
  if (subdir !== undefined && !/^[^/\0]+$/.test(subdir))
    throw new MobyPatchError('invalid', 'subdir-invalid', `found the name "${subdir}", wanted one without /`);
  const { extractEntries } = await import('../unpack/export/extract.js');
  const destination = resolve(session.places.folder, request.output);
  await using image = await openNamedImage(name, session, { input });
  const extracts = selectViews(image, request).map(({ all, view, number }) => ({
    folder: subdir === undefined ? '' : `${subdir}${number}`,
    view,
    all,
    entries: [...view.entries.values()].filter(createMatcher(request.globs)),
  }));
  if (extracts.every(({ entries }) => entries.length === 0)) refuseNothing(image.name, request.globs);
  const inputs = [image.access];
  const written = await extractEntries(extracts, { destination, inputs, signal: session.signal });
  return { output: destination, ...written };
}

/** The contents of regular files, one behind the other in the order of the image. Errors: as of `extract`. */
export async function* extractToStream(
  { image: name, input, globs, segment }: ExtractRequest,
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  await using image = await openNamedImage(name, session, { input });
  const [selected] = selectViews(image, { segment });
  const entries = [...(selected?.view.entries.values() ?? [])].filter(createMatcher(globs));
  const files = entries.filter(({ type }) => type === 'file');
  if (files.length === 0) refuseNothing(image.name, globs);
  const bodies = new Set(files.filter(({ size }) => size > 0).map(({ data }) => data));
  for await (const [, body] of image.bodies(bodies)) yield* body;
}

interface SelectedView {
  readonly view: View;
  /** Where directories above the entries are looked up. */
  readonly all: View['entries'];
  /** Of the archive, from 1. */
  readonly number: number;
}

function selectViews(
  image: ScannedImage,
  { segment, subdir }: { readonly segment?: number | undefined; readonly subdir?: string | undefined },
): SelectedView[] {
  if (segment === undefined && subdir === undefined) return [{ view: image, all: image.entries, number: 1 }];
  const archives = image.layout.segments.flatMap(({ kind }, index) => (kind === 'cpio' ? [index] : []));
  const wanted = segment === undefined ? archives : [segment];
  return wanted.map((index) => {
    const view = selectSegment(image, index);
    return { view, all: view.all, number: archives.indexOf(index) + 1 };
  });
}

function createMatcher(globs: readonly string[]): (entry: Entry) => boolean {
  const matchers = globs.map(createGlob);
  return ({ path }) => matchers.length === 0 || matchers.some((matches) => matches(path));
}

function refuseNothing(path: string, globs: readonly string[]): never {
  const message = `found no file that matches ${globs.map(showPath).join(' or ') || 'anything'}`;
  throw new MobyPatchError('invalid', 'path-not-found', message, { path });
}
