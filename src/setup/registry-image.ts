import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '../io/digest.js';
import { assertSpace } from '../io/file/free-space.js';
import { streamRegular } from '../io/file/regular-file.js';
import { ownerOnly } from '../io/place/access.js';
import { createOutput } from '../io/place/output.js';
import type { ReadingSession } from '../model/session.js';
import { chooseImage, readArtifact } from '../registry/artifact.js';
import { readBlob } from '../registry/blobs.js';
import { connectRegistry } from '../registry/connection.js';
import { parseReference } from '../registry/reference.js';
import { assertOwnCache } from './build-cache.js';

/**
 * The path of the image behind `oci://...`. Its bytes stay in the cache folder under their digest, so that they are downloaded
 * once; the registry is still asked what the tag is. Errors: `registry-*`.
 */
export async function fetchImage(name: string, session: ReadingSession): Promise<string> {
  const { environment, signal, places, log } = session;
  const reference = parseReference(name);
  const connection = connectRegistry(reference, { environment, signal });
  const image = chooseImage(await readArtifact(connection), connection);
  const folder = join(places.cache, 'registry');
  await assertOwnCache(places.cache);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, image.digest.replace(':', '-'));
  if (`sha256:${await digestBytes(streamRegular(path, { own: true })).catch(() => '')}` === image.digest)
    return path;
  await assertSpace([{ folder, bytes: image.size, what: 'the image' }]);
  log(`downloading ${name} (${image.size} bytes)`);
  const source = readBlob(connection, image);
  await using output = await createOutput(source, { destination: path, inputs: [ownerOnly], signal });
  await output.publish();
  return path;
}
