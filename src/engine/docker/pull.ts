import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from './container.js';
import { ask, type Daemon, getAnswer, readAnswer, statusOf, withSignal } from './daemon.js';
import { type Delta, readDelta } from './delta.js';
import { saveTopLayer } from './layer.js';

/** Seconds for the daemon to write a layer. */
const commitLimit = 600;

/**
 * What a container has changed. `commit` and `save` are the only calls that give a layer without what the
 * runtime put into the root. Removing the committed image takes as long as half of the rest, and nobody has to
 * wait for it: `removed` gets the promise. `below`: diff ids of the image.
 */
export async function pullDelta(
  daemon: Daemon,
  container: Container,
  below: readonly string[],
  scratch: string,
  signal: AbortSignal,
  removed: (removal: Promise<void>) => void,
): Promise<Delta> {
  signal.throwIfAborted();
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'delta-'));
  // Not given up half-way: the image would appear after nobody waits for its id.
  const { Id: id } = (await ask(daemon, 'commit a container', commitLimit, (abortSignal) =>
    container.handle.commit({ pause: true, abortSignal }),
  )) as { Id: string };
  try {
    const answer = await ask(
      daemon,
      'save an image',
      commitLimit,
      (abortSignal) => getAnswer(daemon, `/images/${id}/get`, true, abortSignal),
      signal,
    );
    const layer = await saveTopLayer(readAnswer(answer as NodeJS.ReadableStream, signal), below, folder);
    return layer === undefined ? { changes: [], attributed: [] } : await readDelta(layer);
  } finally {
    removed(removeImage(daemon, id));
  }
}

/** The layers of an image, the lowest first. */
export async function readDiffIds(
  daemon: Daemon,
  imageId: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const image = await ask(
    daemon,
    'inspect an image',
    60,
    (abortSignal) => daemon.client.getImage(imageId).inspect(withSignal({}, abortSignal)),
    signal,
  );
  return image.RootFS.Layers ?? [];
}

/** No error when it is gone already. `noprune`: its parent is the image the container runs on. */
export async function removeImage(daemon: Daemon, id: string): Promise<void> {
  try {
    await ask(daemon, 'remove an image', 120, (abortSignal) =>
      daemon.client.getImage(id).remove({ force: true, noprune: true, abortSignal }),
    );
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
}

export async function removeContainer(daemon: Daemon, id: string): Promise<void> {
  try {
    await ask(daemon, 'remove a container', 120, (abortSignal) =>
      daemon.client.getContainer(id).remove({ force: true, v: true, abortSignal }),
    );
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
}
