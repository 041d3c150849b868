import { lstat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { digestBytes } from '../../io/digest.js';
import { assertSpace } from '../../io/file/free-space.js';
import { streamRegular } from '../../io/file/regular-file.js';
import { ownerOnly } from '../../io/place/access.js';
import { createOutput } from '../../io/place/output.js';
import { MobyPatchError } from '../../model/error/error.js';
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
 * Errors: `registry-*`, `disk-full`, `output-exists` for a name that the artifact gave; those of `createOutput`.
 */
export async function pullImage(request: PullRequest, session: ReadingSession): Promise<Pulled> {
  const { environment, signal, places } = session;
  const connection = connectRegistry(parseReference(request.reference), { environment, signal });
  const artifact = await readArtifact(connection);
  const image = chooseImage(artifact, connection);
  const name = titleOf(image) ?? 'initrd.img';
  const output = resolve(places.folder, request.output ?? name);
  const manifest = findManifest(artifact, image);
  const wanted = [{ descriptor: image, path: output }];
  if (manifest !== undefined) wanted.push({ descriptor: manifest, path: `${output}.manifest.json` });
  if (request.output === undefined) for (const file of wanted) await refuseOther(file);
  const folder = dirname(output);
  await assertSpace(
    wanted.map(({ descriptor: { size }, path }) => ({ folder, bytes: size, what: basename(path) })),
  );
  const files: PulledFile[] = [];
  for (const file of wanted) files.push(await pullFile(connection, file, session));
  return { digest: artifact.digest, verdict: artifact.annotations.get('org.moby-patch.verdict'), files };
}

/** A manifest describes the image of its own artifact alone. */
function findManifest({ layers }: Artifact, image: Descriptor): Descriptor | undefined {
  if (image.mediaType !== artifactTypes.image) return undefined;
  return layers.find(({ mediaType }) => mediaType === artifactTypes.manifest);
}

interface WantedFile {
  readonly descriptor: Descriptor;
  /** An absolute path. */
  readonly path: string;
}

/** A name from a registry must replace no file that has nothing to do with it. Error (`invalid`): `output-exists`. */
async function refuseOther({ path, descriptor: { digest } }: WantedFile): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  const own = found.isFile() ? await digestBytes(streamRegular(path)) : undefined;
  if (`sha256:${own}` === digest) return;
  const message = 'another file has the name that the artifact gives';
  const hint = `-o ${path} replaces it`;
  throw new MobyPatchError('invalid', 'output-exists', message, { path, hint });
}

/** What needed credentials is for the owner alone: who else may read it is not known. */
async function pullFile(
  connection: Connection,
  { descriptor, path }: WantedFile,
  { log, signal }: ReadingSession,
): Promise<PulledFile> {
  const { digest, size } = descriptor;
  log(`downloading ${path} (${size} bytes)`);
  const source = readBlob(connection, descriptor);
  const inputs = connection.usesCredentials() ? [ownerOnly] : [];
  await using output = await createOutput(source, { destination: path, inputs, signal });
  await output.publish();
  return { path, digest, size };
}
