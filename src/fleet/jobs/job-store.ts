import { parseJson } from '../../format/parse-json.js';
import { collectBytes } from '../../io/collect.js';
import type { Environment } from '../../model/session.js';
import {
  type Artifact,
  createBlob,
  formatManifest,
  hasArtifact,
  readArtifact,
  writeArtifact,
} from '../../registry/artifact.js';
import { type BlobSource, type Descriptor, readBlob, writeBlob } from '../../registry/blobs.js';
import { connectRegistry } from '../../registry/connection.js';
import { parseReference } from '../../registry/reference.js';

/** Bytes of a plan or a record. */
const largestRecord = 64 * 2 ** 20;
const recordType = 'application/vnd.moby-patch.fleet.v1+json';

/** The repository that holds plans, results and failures: all that a fleet knows. */
export interface JobStore {
  /** `oci://HOST/REPOSITORY`. */
  readonly reference: string;
  has(tag: string): Promise<boolean>;
  /** Undefined: there is none. */
  read(tag: string): Promise<{ readonly value: unknown; readonly artifact: Artifact } | undefined>;
  /** `files` are kept with it. */
  write(tag: string, record: Uint8Array, files?: readonly Descriptor[]): Promise<void>;
  /** Whether it was sent. */
  send(source: BlobSource): Promise<boolean>;
  fetch(file: Descriptor): ReturnType<typeof readBlob>;
}

/** Error (`invalid`): `registry-reference`. */
export function openJobStore(
  text: string,
  { environment, signal }: { readonly environment: Environment; readonly signal: AbortSignal },
): JobStore {
  const { host, repository } = parseReference(text);
  const reference = `oci://${host}/${repository}`;
  const connect = (tag: string) =>
    connectRegistry(parseReference(`${reference}:${tag}`), { environment, signal });
  const plain = connect('latest');

  const has = (tag: string) => hasArtifact(connect(tag));

  return {
    reference,
    has,
    async read(tag) {
      if (!(await has(tag))) return undefined;
      const artifact = await readArtifact(connect(tag));
      const [layer] = artifact.layers;
      if (layer === undefined) return undefined;
      const bytes = await collectBytes(readBlob(plain, layer), largestRecord, `${reference}:${tag}`);
      return { value: parseJson(Buffer.from(bytes).toString('utf8')), artifact };
    },
    async write(tag, record, files = []) {
      const blob = createBlob(recordType, record);
      await writeBlob(plain, blob);
      await writeArtifact(connect(tag), formatManifest([blob.descriptor, ...files], {}));
    },
    send: (source) => writeBlob(plain, source),
    fetch: (file) => readBlob(plain, file),
  };
}
