import { ask, type Daemon, statusOf, withSignal } from './daemon.js';

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
