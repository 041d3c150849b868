import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readEntries } from '../../io/tar.js';
import type { Bytes } from '../../model/entry.js';
import { MobyPatchError } from '../../model/error.js';

export interface SavedLayer {
  /** A plain tar. */
  readonly file: string;
}

const metadataLimit = 4 * 1024 * 1024;
const zstdMagic = 0xfd2fb528;

/**
 * Keeps the one layer of a `docker save` stream that lies above the layers in `known` (diff ids). Two
 * layouts: until Docker 24 `ID/layer.tar`, with `ID/json` in front that names the parent; since 25 and with
 * the containerd image store `blobs/sha256/DIGEST`, which may be gzipped. In both `manifest.json` says, at
 * the end, which are the layers. Layers that are known to be below are skipped as they come.
 * `undefined`: there is no layer above, which is how an unchanged container is committed.
 */
export async function saveTopLayer(
  stream: Bytes,
  known: readonly string[],
  folder: string,
): Promise<SavedLayer | undefined> {
  const kept = new Map<string, string>();
  const skipped = new Set(known.map((id) => `blobs/sha256/${id.replace(/^sha256:/, '')}`));
  let manifest: Buffer | undefined;
  for await (const { record, body } of readEntries(stream)) {
    if (record.type !== 'file') continue;
    if (record.path === 'manifest.json') manifest = await collect(body, record.size);
    else if (/^[0-9a-f]{64}\/json$/.test(record.path)) {
      const { parent } = parseObject(await collect(body, record.size));
      if (parent === undefined && known.length === 1) skipped.add(record.path.replace('json', 'layer.tar'));
    } else if (isLayerName(record.path) && !skipped.has(record.path)) {
      const file = join(folder, `layer-${kept.size}.tar`);
      await keepPlain(body, file);
      kept.set(record.path, file);
    }
  }
  const layers = parseLayers(manifest);
  if (layers.length === known.length) return undefined;
  const top = layers[known.length];
  const file = top === undefined ? undefined : kept.get(top);
  if (layers.length !== known.length + 1 || file === undefined) {
    throw createAnswerError(`an image of ${known.length + 1} layers was saved as ${layers.length}`);
  }
  return { file };
}

/** A part of a saved layer, read again at every call. */
export function readPart(layer: SavedLayer, position: number, size: number): Bytes {
  if (size === 0) return Readable.from([]);
  return createReadStream(layer.file, { start: position, end: position + size - 1 });
}

function isLayerName(path: string): boolean {
  return /^(?:[0-9a-f]{64}\/layer\.tar|blobs\/sha256\/[0-9a-f]{64})$/.test(path);
}

/** Writes a body to a file, decompressed if it is gzip. */
async function keepPlain(body: Bytes, path: string): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = first.done ? Buffer.alloc(0) : Buffer.from(first.value);
  if (head.length >= 4 && head.readUInt32LE(0) === zstdMagic)
    throw createAnswerError('a layer is compressed with zstd');
  async function* whole(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of isGzip
      ? Readable.from(whole(), { objectMode: false }).compose(createGunzip())
      : whole()) {
      await file.appendFile(piece);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new MobyPatchError('infrastructure', 'disk-full', `no space left for ${path}`, {
      path,
      cause,
      hint: 'set TMPDIR to a larger disk',
    });
  } finally {
    await file.close();
  }
}

async function collect(body: Bytes, size: number): Promise<Buffer> {
  if (size > metadataLimit) throw createAnswerError(`a description of ${size} bytes`);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function parseLayers(manifest: Buffer | undefined): string[] {
  const images = manifest === undefined ? undefined : parseJson(manifest);
  const layers: unknown = Array.isArray(images) && images.length === 1 ? images[0]?.Layers : undefined;
  if (Array.isArray(layers) && layers.every((layer) => typeof layer === 'string')) return layers;
  throw createAnswerError('there is no list of layers in it');
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  const value = parseJson(bytes);
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw createAnswerError('a description is no JSON object');
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw createAnswerError('a description is no JSON');
  }
}

function createAnswerError(what: string): MobyPatchError {
  return new MobyPatchError(
    'infrastructure',
    'docker-answer',
    `the answer of docker save is not understood: ${what}`,
  );
}
