import type { Readable } from 'node:stream';
import { createInterruptedError, createLineSplitter } from '../../io/process.js';
import type { Archive, ImageEntry } from '../../model/archive.js';
import { MobyPatchError } from '../../model/error.js';
import type { ArchiveRecord } from '../../model/layout.js';
import { type PackItem, packEntries } from '../../tar/tar.js';
import { selectTravellers } from './blind.js';
import { createDaemonError, type Daemon, readAnswer } from './daemon.js';

const answerLimit = 1024 * 1024;
/** Seconds the daemon may take to register an image whose last byte it has. */
const registrationLimit = 300;

/**
 * Makes an untagged image of one layer out of what can travel; gives its id (`sha256:...`).
 * The tar is made while it is sent, from one pass over the image. On abort the stream is destroyed, which
 * the daemon takes for a broken upload. `label`: KEY="VALUE"; the daemon sets it when it has registered the whole.
 */
export async function importImage(
  daemon: Daemon,
  image: Archive,
  label: string,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const source = packEntries(listItems(image));
  const stop = () => void source.destroy(createInterruptedError(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await sendImage(daemon, source, label);
  } catch (error) {
    if (signal.aborted) throw createInterruptedError(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    source.destroy();
  }
}

async function sendImage(daemon: Daemon, source: Readable, label: string): Promise<string> {
  let failure: Error | undefined;
  source.once('error', (error) => {
    failure = error;
  });
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  source.once('end', () => {
    timer = setTimeout(() => limit.abort(), registrationLimit * 1000);
  });
  try {
    const options = { changes: [`LABEL ${label}`] };
    const answer = await daemon.client.importImage(source, options);
    return await readImageId(readAnswer(answer, limit.signal));
  } catch (cause) {
    if (failure !== undefined) throw failure;
    if (limit.signal.aborted) {
      throw new MobyPatchError(
        'infrastructure',
        'docker-timeout',
        `Docker did not register an image in ${registrationLimit} s`,
      );
    }
    if (cause instanceof MobyPatchError) throw cause;
    throw createDaemonError(daemon, 'import the image', cause);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer is a line of JSON per event; the status is 200 even when one of them is an `error`. */
async function readImageId(answer: AsyncIterable<Buffer>): Promise<string> {
  let last = '';
  let size = 0;
  const lines = createLineSplitter((line) => {
    if (line.trim() !== '') last = readStatus(line) ?? last;
  });
  for await (const chunk of answer) {
    size += chunk.length;
    if (size > answerLimit)
      throw new MobyPatchError('infrastructure', 'docker-answer', 'Docker answers an import without end');
    lines.push(chunk);
  }
  lines.end();
  if (/^sha256:[0-9a-f]{64}$/.test(last)) return last;
  throw new MobyPatchError(
    'infrastructure',
    'docker-answer',
    `Docker answered an import with "${last}" and no image id`,
  );
}

function readStatus(line: string): string | undefined {
  let event: { status?: unknown; error?: unknown } | null;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-answer',
      `Docker answered an import with ${line.slice(0, 200)}`,
      { cause },
    );
  }
  if (typeof event?.error === 'string') throw new Error(event.error);
  return typeof event?.status === 'string' ? event.status : undefined;
}

/**
 * Everything without a body first, then files in the order in which one pass meets their bodies: the data
 * of a hard-link group may stand at any of its names, and the name that carries it must come first.
 */
async function* listItems(image: Archive): AsyncGenerator<PackItem> {
  const byData = new Map<ArchiveRecord, ImageEntry[]>();
  for (const entry of selectTravellers(image.entries.values())) {
    if (entry.type !== 'file') yield { entry };
    else byData.set(entry.data, [...(byData.get(entry.data) ?? []), entry]);
  }
  for await (const [record, body] of image.bodies(new Set(byData.keys()))) {
    const [first, ...others] = byData.get(record) ?? [];
    if (first === undefined) continue;
    yield { entry: first, body };
    for (const entry of others) yield { entry };
    byData.delete(record);
  }
  for (const [entry] of byData.values()) {
    throw new MobyPatchError('failed', 'image-body', `the image gave no body for ${entry?.path ?? 'a file'}`);
  }
}
