import { basename, resolve } from 'node:path';
import { createUnreadableError, openRegular } from '../../io/file/regular-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';
import { artifactTypes, formatManifest, titleKey, writeArtifact } from '../../registry/artifact.js';
import { type Descriptor, writeBlob } from '../../registry/blobs.js';
import { type Connection, connectRegistry } from '../../registry/connection.js';
import { createFileBlob } from '../../registry/file-blob.js';
import { parseReference, type Reference } from '../../registry/reference.js';
import { chooseOutput } from '../../setup/choose-output.js';
import { loadConfiguration } from '../../setup/configuration.js';
import { type ManifestFile, readManifest } from '../../setup/lock-file.js';

export interface PushRequest {
  /** `oci://HOST/REPOSITORY:TAG`. */
  readonly reference: string;
  /** The built image, with its manifest beside it; default: the output of `build`. */
  readonly output?: string | undefined;
  /** Default: moby-patch.yaml of the working folder, if there is one. */
  readonly config?: string | undefined;
  /** Further files, a kernel or a report say. */
  readonly files?: readonly string[] | undefined;
  /** Push an image whose boot was not seen to pass, too. */
  readonly unproven?: boolean | undefined;
}

export interface PushedFile {
  readonly name: string;
  readonly digest: string;
  readonly size: number;
  /** False: the registry had it. */
  readonly sent: boolean;
}

export interface Pushed {
  /** With the digest of the artifact, which names these bytes for ever. */
  readonly reference: string;
  readonly digest: string;
  readonly verdict: ManifestFile['verdict'];
  readonly files: readonly PushedFile[];
}

/**
 * Stores a built image, its manifest and further files as one OCI artifact; the same files make the same artifact. Errors:
 * `image-unproven`, `manifest-*`, `lock-output`, `push-file` (`invalid`); `registry-*`.
 */
export async function pushImage(request: PushRequest, session: ReadingSession): Promise<Pushed> {
  const { environment, signal, places } = session;
  const reference = parseReference(request.reference);
  refuseDigest(reference);
  const configuration = await loadConfiguration(places.folder, request.config);
  const { output } = chooseOutput({ output: request.output }, configuration, places);
  const described = `${output}.manifest.json`;
  const manifest = await readManifest(described);
  if (manifest.verdict !== 'passed' && request.unproven !== true) throw createUnprovenError(output, manifest);
  const connection = connectRegistry(reference, { environment, signal });
  const { sha256 } = manifest.output;
  const wanted = [
    { path: output, type: artifactTypes.image, digest: `sha256:${sha256}` },
    { path: described, type: artifactTypes.manifest },
    ...(request.files ?? []).map((file) => ({
      path: resolve(places.folder, file),
      type: artifactTypes.other,
    })),
  ];
  refuseTwins(wanted.map(({ path }) => path));
  const pushed: SentFile[] = [];
  for (const file of wanted) pushed.push(await pushFile(connection, file, session));
  const annotations = { 'org.moby-patch.plan': manifest.plan, 'org.moby-patch.verdict': manifest.verdict };
  const bytes = formatManifest(
    pushed.map(({ descriptor }) => descriptor),
    annotations,
  );
  const digest = await writeArtifact(connection, bytes);
  return {
    reference: `oci://${reference.host}/${reference.repository}:${reference.tag}@${digest}`,
    digest,
    verdict: manifest.verdict,
    files: pushed.map(({ descriptor, name, sent }) => ({
      name,
      digest: descriptor.digest,
      size: descriptor.size,
      sent,
    })),
  };
}

interface FileToPush {
  readonly path: string;
  readonly type: string;
  /** What it must have; `sha256:` and 64 hex digits. */
  readonly digest?: string | undefined;
}

interface SentFile {
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly sent: boolean;
}

async function pushFile(
  connection: Connection,
  { path, type, digest: expected }: FileToPush,
  { log, signal }: ReadingSession,
): Promise<SentFile> {
  await using file = await openRegular(path).catch((cause) => {
    throw createUnreadableError(cause, { code: 'push-file', what: 'a file to push', path });
  });
  const name = basename(path);
  const blob = await createFileBlob(file, type, signal);
  const { digest, size } = blob.descriptor;
  if (expected !== undefined && digest !== expected) {
    const message = 'the image is not the one that its manifest describes';
    throw new MobyPatchError('invalid', 'lock-output', message, { path, hint: 'moby-patch build' });
  }
  const descriptor = { ...blob.descriptor, annotations: { [titleKey]: name } };
  const onStart = () => log(`sending ${name} (${size} bytes)`);
  return { name, descriptor, sent: await writeBlob(connection, { ...blob, descriptor, onStart }) };
}

function refuseDigest({ digest, text }: Reference): void {
  if (digest === undefined) return;
  const message = 'a digest names what is stored already, wanted a tag';
  throw new MobyPatchError('invalid', 'registry-reference', message, {
    path: text,
    hint: text.replace(`@${digest}`, ''),
  });
}

function refuseTwins(paths: readonly string[]): void {
  const names = paths.map((path) => basename(path));
  const twin = paths.find((_, index) => names.indexOf(names[index] ?? '') < index);
  if (twin === undefined) return;
  const message = 'two files of this name cannot be in one artifact';
  throw new MobyPatchError('invalid', 'push-file', message, { path: twin, hint: 'rename one of them' });
}

function createUnprovenError(path: string, { verdict }: ManifestFile): MobyPatchError {
  const found = verdict === 'refused' ? 'the boot of this image was refused' : 'this image was not booted';
  const message = `${found}, wanted one whose boot passed`;
  return new MobyPatchError('invalid', 'image-unproven', message, {
    path,
    hint: 'moby-patch build boots it; --unproven pushes it all the same',
  });
}
