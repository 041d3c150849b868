import { emptyFields, encodePadding, encodeTrailer } from '../../format/cpio/cpio-writer.js';
import { encodePath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive, Tokens } from '../../model/image/archive.js';
import type { Change } from '../../model/image/change.js';
import type { ArchiveRecord, Layout } from '../../model/image/layout.js';
import { mergeRecords } from '../../tree/merge.js';
import { findChanges } from './find-changes.js';
import type { Sidecar, SidecarPiece } from './read-sidecar.js';
import type { SourceEntry, SourceTree } from './source-tree.js';

/** An image of which only the sidecar is left; the bodies it shares with a folder or tar are read from there. */
export interface UnpackedImage {
  /** A body whose file was changed or removed is empty. */
  readonly archive: Archive;
  /** What was changed in the folder or tar since the image was unpacked. */
  readonly changes: readonly Change[];
}

export function createUnpackedImage(sidecar: Sidecar, tree: SourceTree): UnpackedImage {
  const { image: head, segments } = sidecar;
  const pieces = sidecar.pieces.flat();
  const records = pieces.flatMap(({ record }) => (record === undefined ? [] : [record]));
  const { size, sha256, root, files } = head;
  const layout: Layout = { size, sha256, segments, root, ...(files && { files }) };
  const byRecord = new Map(pieces.map((piece) => [piece.record, piece]));
  const byDigest = indexBodies(tree);
  const read = (record: ArchiveRecord) => readBody(byRecord.get(record) as SidecarPiece, byDigest);
  const merged = mergeRecords(
    pieces.map(({ record }) => record),
    read,
  );
  const { entries } = merged;
  const archive: Archive = {
    name: head.name,
    layout,
    records,
    ...merged,
    digests: new Map(
      pieces.flatMap(({ record, sha256 }) => (record && sha256 ? [[record, sha256] as const] : [])),
    ),
    bootconfig: sidecar.bootconfig,
    tokens: (index) => listTokens(sidecar.pieces[index] ?? [], byDigest),
    raw(index) {
      const segment = segments[index];
      return segment?.kind === 'padding'
        ? listZeros(segment.end - segment.offset)
        : sidecar.opaque.get(index)?.body();
    },
    async *bodies(wanted) {
      for (const record of records) if (wanted.has(record)) yield [record, read(record)];
    },
  };
  const digest = (path: string) => byRecord.get(entries.get(path)?.data)?.sha256;
  const { kept, top } = head;
  const changes = findChanges({ entries, isNew: head.size === 0, kept: new Set(kept), top, digest }, tree);
  return { archive, changes };
}

async function* listZeros(count: number): AsyncGenerator<Uint8Array, void, void> {
  const zeros = new Uint8Array(Math.min(count, 256 * 1024));
  for (let left = count; left > 0; left -= zeros.length)
    yield zeros.subarray(0, Math.min(left, zeros.length));
}

/** One gzip segment without a record: entries that come from no image are added to it. */
export function createEmptySidecar(name: string): Sidecar {
  const sha256 = '0'.repeat(64);
  const segment = {
    line: 'segment',
    kind: 'cpio',
    compression: { codec: 'gzip' },
    offset: 0,
    end: 0,
    members: 1,
    entries: 0,
    unpacked: 0,
    trailer: true,
    sha256,
  } as const;
  return {
    image: { version: 1, name, size: 0, sha256, root: 0, kept: [] },
    segments: [segment],
    pieces: [[{ gap: 0, raw: encodeTrailer() }]],
    opaque: new Map(),
  };
}

async function* listTokens(
  pieces: readonly SidecarPiece[],
  byDigest: ReadonlyMap<string, SourceEntry>,
): Tokens {
  let size = 0;
  for (const piece of pieces) {
    const { gap, raw, record } = piece;
    const position = size + gap;
    size = position + raw.length;
    if (record === undefined) {
      yield [{ kind: 'trailer', header: emptyHeader, name: new Uint8Array(), position, raw }];
      continue;
    }
    const { header, name } = record;
    yield [{ kind: 'entry', header, name: encodePath(name), position, raw }];
    if (header.filesize > 0)
      for await (const bytes of readBody(piece, byDigest)) yield [{ kind: 'data', bytes }];
    yield [{ kind: 'end', checksum: 'none' }];
    size += header.filesize + encodePadding(header.filesize).length;
  }
}

const emptyHeader = { ...emptyFields, magic: '070701', mode: 0, namesize: 11, check: 0 } as const;

/** By content: a body may have moved to another name. */
function indexBodies(tree: SourceTree): Map<string, SourceEntry> {
  const bodies = new Map<string, SourceEntry>();
  for (const entry of tree.entries.values()) if (entry.sha256 !== undefined) bodies.set(entry.sha256, entry);
  return bodies;
}

/** As many bytes as the record's header says, or none where the body is gone. */
async function* readBody(
  { record, body, sha256 }: SidecarPiece,
  byDigest: ReadonlyMap<string, SourceEntry>,
): AsyncGenerator<Uint8Array, void, void> {
  const size = record?.header.filesize ?? 0;
  if (record?.target !== undefined) yield encodePath(record.target);
  else if (body !== undefined) yield* body.body();
  else {
    const found = byDigest.get(sha256 ?? '');
    if (found?.size === size) yield* readFound(found);
  }
}

async function* readFound(found: SourceEntry): AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const bytes of found.body()) {
    size += bytes.length;
    if (size > found.size) break;
    yield bytes;
  }
  if (size !== found.size)
    throw new MobyPatchError('failed', 'input-changed', 'the file was written to while it was read', {
      path: found.path,
      hint: 'run it again when nothing writes to the folder',
    });
}
