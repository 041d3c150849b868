import { resolve } from 'node:path';
import { createOutput } from '../../io/place/output.js';
import type { ReadingSession } from '../../model/session.js';
import { type Artifact, artifactTypes, chooseImage, readArtifact, titleOf } from '../../registry/artifact.js';
import { type Descriptor, readBlob } from '../../registry/blobs.js';
import { type Connection, connectRegistry } from '../../registry/connection.js';
import { parseReference } from '../../registry/reference.js';

export interface PullRequest {
  /** `oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST][#FILE]`. */
  readonly reference: string;
  /** The file of the image; default: its name in the artifact, in the working folder. */
  readonly output?: string | undefined;
}

export interface PulledFile {
  /** An absolute path. */
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

export interface Pulled {
  /** Of the artifact. */
  readonly digest: string;
  /** What was known of the boot when it was pushed; undefined: another program stored it. */
  readonly verdict: string | undefined;
  readonly files: readonly PulledFile[];
}

/**
 * Gets an image and its manifest out of a registry; each file takes its name only when its bytes are what the digest says.
 * Errors: `registry-*`; those of `createOutput`.
 */
export async function pullImage(request: PullRequest, session: ReadingSession): Promise<Pulled> {
  const { environment, signal, places } = session;
  const connection = connectRegistry(parseReference(request.reference), { environment, signal });
  const artifact = await readArtifact(connection);
  const image = chooseImage(artifact, connection);
  const name = titleOf(image) ?? 'initrd.img';
  const output = resolve(places.folder, request.output ?? name);
  const manifest = findManifest(artifact, image);
  const files = [await pullFile(connection, image, output, session)];
  if (manifest !== undefined)
    files.push(await pullFile(connection, manifest, `${output}.manifest.json`, session));
  return { digest: artifact.digest, verdict: artifact.annotations.get('org.moby-patch.verdict'), files };
}

/** A manifest describes the image of its own artifact alone. */
function findManifest({ layers }: Artifact, image: Descriptor): Descriptor | undefined {
  if (image.mediaType !== artifactTypes.image) return undefined;
  return layers.find(({ mediaType }) => mediaType === artifactTypes.manifest);
}

async function pullFile(
  connection: Connection,
  descriptor: Descriptor,
  path: string,
  { log, signal }: ReadingSession,
): Promise<PulledFile> {
  const { digest, size } = descriptor;
  log(`downloading ${path} (${size} bytes)`);
  const source = readBlob(connection, descriptor);
  await using output = await createOutput(source, { destination: path, inputs: [], signal });
  await output.publish();
  return { path, digest, size };
}
