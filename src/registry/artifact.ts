import { createHash } from 'node:crypto';
import { parseJson } from '../format/parse-json.js';
import { MobyPatchError } from '../model/error/error.js';
import { type BlobSource, type Descriptor, writeBlob } from './blobs.js';
import { readBody } from './bounded-body.js';
import type { Connection } from './connection.js';
import { createAnswerError, createDigestError } from './errors.js';

/** Types of what this program stores. */
export const artifactTypes = {
  artifact: 'application/vnd.moby-patch.artifact.v1',
  image: 'application/vnd.moby-patch.image.v1',
  manifest: 'application/vnd.moby-patch.manifest.v1+json',
  other: 'application/octet-stream',
} as const;

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const accepted = [manifestType, 'application/vnd.docker.distribution.manifest.v2+json'];
/** The empty configuration of an artifact (github.com/opencontainers/image-spec, "Guidance for an Empty Descriptor"). */
const emptyConfig = createBlob('application/vnd.oci.empty.v1+json', new TextEncoder().encode('{}'));
/** The specification's limit for a manifest, in bytes. */
const largestManifest = 4 * 2 ** 20;
const mostLayers = 1000;
export const titleKey = 'org.opencontainers.image.title';

/** A manifest that was read, and what it lists. */
export interface Artifact {
  /** Of the manifest itself. */
  readonly digest: string;
  readonly layers: readonly Descriptor[];
  readonly annotations: ReadonlyMap<string, string>;
}

/** Whether the tag is there. Without the types Debian's registry takes the question for one about its oldest form, and says no. */
export async function hasArtifact({ reference, send }: Connection): Promise<boolean> {
  const { tag, digest } = reference;
  const headers = { accept: accepted.join(', ') };
  const path = `manifests/${digest ?? tag}`;
  return (await send({ method: 'HEAD', path, what: 'the manifest', headers, accept: [404] })).ok;
}

/** Errors: `registry-*`. */
export async function readArtifact(connection: Connection): Promise<Artifact> {
  const { reference } = connection;
  const { text, tag, digest } = reference;
  const response = await connection.send({
    method: 'GET',
    path: `manifests/${digest ?? tag}`,
    what: 'the manifest',
    headers: { accept: accepted.join(', ') },
  });
  const { signal } = connection;
  const bytes = await readBody(response, { limit: largestManifest, what: 'the manifest', reference, signal });
  const found = digestOf(bytes);
  if (digest !== undefined && digest !== found) throw createDigestError(text, 'the manifest');
  return { digest: found, ...parseManifest(parseJson(Buffer.from(bytes).toString('utf8')), text) };
}

function parseManifest(value: unknown, path: string): Omit<Artifact, 'digest'> {
  const { layers, manifests, annotations } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (Array.isArray(manifests)) {
    const message = 'this is a list of artifacts for several platforms, wanted one artifact';
    throw new MobyPatchError('invalid', 'registry-artifact', message, {
      path,
      hint: 'name one by its digest: skopeo inspect --raw docker://HOST/REPOSITORY:TAG',
    });
  }
  if (!Array.isArray(layers) || layers.length > mostLayers || !layers.every(isDescriptor))
    throw createAnswerError(path, 'the registry answered without a list of layers');
  return { layers, annotations: readAnnotations(annotations) };
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isDigest = typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest);
  return typeof mediaType === 'string' && isDigest && Number.isSafeInteger(size) && Number(size) >= 0;
}

function readAnnotations(value: unknown): ReadonlyMap<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The name of a layer's file; a name that leads out of a folder, or that shells and tools read unasked, is none. */
export function titleOf({ annotations }: Descriptor): string | undefined {
  const title = readAnnotations(annotations).get(titleKey);
  return title !== undefined && /^[^/\0]+$/.test(title) && !title.startsWith('.') ? title : undefined;
}

/** The layer that is an image: the one named, the one of our type, the only one. Error (`invalid`): `registry-artifact`. */
export function chooseImage({ layers }: Artifact, { reference }: Connection): Descriptor {
  const { file, text } = reference;
  const named = layers.filter((layer) => titleOf(layer) === file);
  const ours = layers.filter(({ mediaType }) => mediaType === artifactTypes.image);
  const [only, ...more] = file !== undefined ? named : ours.length > 0 ? ours : layers;
  if (only !== undefined && more.length === 0) return only;
  const titles = layers.map(titleOf).filter((title) => title !== undefined);
  const wanted = file === undefined ? 'one file' : JSON.stringify(file);
  const message = `found ${titles.length === 0 ? `${layers.length} layers` : titles.join(', ')}, wanted ${wanted}`;
  throw new MobyPatchError('invalid', 'registry-artifact', message, {
    path: text,
    hint: titles.length === 0 ? 'name an artifact that holds an image' : `${text.split('#')[0]}#${titles[0]}`,
  });
}

/** The bytes of a manifest; the same files give the same bytes. */
export function formatManifest(
  layers: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Uint8Array {
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: artifactTypes.artifact,
    config: emptyConfig.descriptor,
    layers,
    annotations,
  };
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/** Bytes in memory, as a blob. */
export function createBlob(mediaType: string, bytes: Uint8Array): BlobSource {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { descriptor, read: async (offset, end) => bytes.subarray(offset, end) };
}

/** Puts a manifest, whose layers are stored, under the reference's tag; its digest. Errors: `registry-*`. */
export async function writeArtifact(connection: Connection, manifest: Uint8Array): Promise<string> {
  await writeBlob(connection, emptyConfig);
  await connection.send({
    method: 'PUT',
    path: `manifests/${connection.reference.tag}`,
    what: 'the manifest',
    headers: { 'content-type': manifestType },
    body: manifest,
  });
  return digestOf(manifest);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
