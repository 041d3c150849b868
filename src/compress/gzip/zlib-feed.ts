import { once } from 'node:events';
import type { createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { Bytes } from '../../model/image/entry.js';

type ZlibStream = ReturnType<typeof createInflateRaw> | ReturnType<typeof createDeflateRaw>;

/** An error of the source ends the stream, and rejects the promise too. */
export function startFeeding(source: Bytes, sink: ZlibStream): Promise<void> {
  const feeding = feed(source, sink);
  feeding.catch((cause) => sink.destroy(cause));
  return feeding;
}

/** Writes a source into a zlib stream, no faster than the stream takes it; stops when the stream has ended. */
async function feed(source: Bytes, sink: ZlibStream): Promise<void> {
  let closed = false;
  const closing = once(sink, 'close').then(
    () => {
      closed = true;
    },
    () => {
      closed = true;
    },
  );
  for await (const piece of source) {
    if (closed || sink.readableEnded) return;
    if (!sink.write(piece)) await Promise.race([once(sink, 'drain').catch(() => {}), closing]);
  }
  if (!closed) sink.end();
}
