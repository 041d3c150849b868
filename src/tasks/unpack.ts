import { resolve } from 'node:path';
import { createOutput } from '../io/output.js';
import type { ReadingSession } from '../model/session.js';
import { type ImageName, openNamedImage } from '../setup/named-image.js';
import { openWatched } from '../unpack/open-image.js';

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

/** Writes the root of an image to a folder or a tar, which `repack` turns back into the image. */
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

/** The root of an image, as a tar. */
export async function* unpackToStream(
  { image: name, input }: Omit<UnpackRequest, 'output'>,
  session: ReadingSession,
): AsyncGenerator<Uint8Array> {
  const { unpackToTar } = await import('../unpack/export/to-tar.js');
  await using image = await openNamedImage(name, session, { input });
  yield* unpackToTar(image, session.signal);
}
