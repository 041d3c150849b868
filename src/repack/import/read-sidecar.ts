import { decodeBootconfig } from '../../format/bootconfig/bootconfig-trailer.js';
import { encodePath } from '../../format/path.js';
import { encodeRecordLine, fromBase64, parseRecordBytes } from '../../format/sidecar.js';
import { collectBytes } from '../../io/collect.js';
import { createUnreadableError, streamRegular } from '../../io/file/regular-file.js';
import type { Spool, SpooledBody } from '../../io/file/spool.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type {
  SidecarImage,
  SidecarLine,
  SidecarRecord,
  SidecarSegment,
  SidecarTrailer,
} from '../../model/image/sidecar.js';
import { readLines } from './read-lines.js';
import { parseSidecarLine } from './sidecar-line.js';

/** A record of a segment as it was written, or its TRAILER. */
export interface SidecarPiece {
  /** Zeros in front of it. */
  readonly gap: number;
  /** Header and name with their padding, and the body of a TRAILER. */
  readonly raw: Uint8Array;
  readonly record?: ArchiveRecord | undefined;
  /** Of a body that is in the folder or tar. */
  readonly sha256?: string | undefined;
  /** A body that is in the sidecar. */
  readonly body?: SpooledBody | undefined;
}

export interface Sidecar {
  readonly image: Omit<SidecarImage, 'line'>;
  readonly segments: readonly SidecarSegment[];
  /** By segment, in order. */
  readonly pieces: readonly (readonly SidecarPiece[])[];
  /** The bytes of segments that are no archives, by segment. */
  readonly opaque: ReadonlyMap<number, SpooledBody>;
  /** As of `Archive.bootconfig`. */
  readonly bootconfig?: string | undefined;
}

/** Errors (`invalid`): `sidecar-unreadable`, and those of `readSidecar`. */
export async function readSidecarFile(path: string, spool: Spool): Promise<Sidecar> {
  return await readSidecar(streamRegular(path), path, spool).catch((cause) => {
    if (cause instanceof MobyPatchError && cause.code !== 'file-not-regular') throw cause;
    throw createUnreadableError(cause, { code: 'sidecar-unreadable', what: 'the sidecar', path });
  });
}

/** Errors (`invalid`): `sidecar-invalid`, with the line. `name`: what messages call it. */
export async function readSidecar(bytes: Bytes, name: string, spool: Spool): Promise<Sidecar> {
  const refuse = (line: number, what: string) =>
    new MobyPatchError('invalid', 'sidecar-invalid', `found ${what}, wanted a sidecar that unpack wrote`, {
      path: `${name}:${line}`,
      hint: 'unpack the image again: moby-patch unpack IMAGE -o DIR',
    });
  const lines = createLineCursor(
    numberLines(
      readLines(bytes, (line) => refuse(line, 'a line without end')),
      name,
    ),
  );
  try {
    return await collectSidecar({ lines, spool, refuse });
  } finally {
    await lines.close();
  }
}

interface NumberedLine {
  readonly number: number;
  readonly line: SidecarLine;
}

async function* numberLines(
  lines: AsyncIterable<string>,
  name: string,
): AsyncGenerator<NumberedLine, void, void> {
  let number = 0;
  for await (const text of lines) {
    number += 1;
    yield { number, line: parseSidecarLine(text, `${name}:${number}`) };
  }
}

interface LineCursor {
  /** The next line; undefined at the end. */
  next(): Promise<NumberedLine | undefined>;
  /** The content of the `bytes` lines that come next. */
  bytes(): Bytes;
  close(): Promise<void>;
}

function createLineCursor(lines: AsyncGenerator<NumberedLine, void, void>): LineCursor {
  let ahead: IteratorResult<NumberedLine, void> | undefined;

  async function next(): Promise<NumberedLine | undefined> {
    const line = ahead ?? (await lines.next());
    ahead = undefined;
    return line.done ? undefined : line.value;
  }

  return {
    next,
    async *bytes() {
      for (;;) {
        ahead ??= await lines.next();
        if (ahead.done || ahead.value.line.line !== 'bytes') return;
        yield fromBase64(ahead.value.line.base64);
        ahead = undefined;
      }
    },
    async close() {
      await lines.return(undefined);
    },
  };
}

/** Far more than a kernel takes. */
const longestBootconfigBytes = 2 ** 20;

interface SidecarSource {
  readonly lines: LineCursor;
  readonly spool: Spool;
  refuse(line: number, what: string): MobyPatchError;
}

interface Collected {
  readonly segments: SidecarSegment[];
  readonly pieces: SidecarPiece[][];
  readonly opaque: Map<number, SpooledBody>;
  bootconfig?: string;
  records: number;
}

async function collectSidecar(source: SidecarSource): Promise<Sidecar> {
  const { lines, refuse } = source;
  const collected: Collected = { segments: [], pieces: [], opaque: new Map(), records: 0 };
  let image: SidecarImage | undefined;
  let last = 0;
  for (let next = await lines.next(); next !== undefined; next = await lines.next()) {
    const { number, line } = next;
    last = number;
    if ((image === undefined) !== (line.line === 'image')) throw refuse(number, `a line "${line.line}"`);
    if (line.line === 'image') image = line;
    else if (line.line === 'bytes') throw refuse(number, 'bytes that belong to nothing');
    else if (line.line === 'segment') await addSegment(collected, line, source);
    else if (line.line !== 'end') await addPiece(collected, { number, line }, source);
    else if (image === undefined || collected.segments[image.root]?.kind !== 'cpio')
      throw refuse(1, 'no segment that new entries can go to');
    else return { image, ...collected };
  }
  throw refuse(last, 'no last line "end"');
}

async function addSegment(
  collected: Collected,
  line: SidecarSegment,
  { lines, spool }: SidecarSource,
): Promise<void> {
  const { segments, pieces, opaque } = collected;
  segments.push(line);
  pieces.push([]);
  const body = await spool.add(lines.bytes());
  if (line.kind === 'opaque' || line.kind === 'bootconfig') opaque.set(segments.length - 1, body);
  if (line.kind === 'bootconfig')
    collected.bootconfig = decodeBootconfig(
      await collectBytes(body.body(), longestBootconfigBytes, 'bootconfig'),
    );
}

async function addPiece(
  collected: Collected,
  { number, line }: { readonly number: number; readonly line: SidecarRecord | SidecarTrailer },
  { lines, spool, refuse }: SidecarSource,
): Promise<void> {
  const own = collected.pieces[line.segment];
  if (own === undefined || collected.segments[line.segment]?.kind !== 'cpio')
    throw refuse(number, `a ${line.line} of segment ${line.segment}, which is no archive`);
  const raw = encodeRecordLine(line);
  const gap = line.gap ?? 0;
  if (line.line === 'trailer') {
    own.push({ gap, raw });
    return;
  }
  const record = createRecord(line, raw, collected.records);
  if (record === undefined) throw refuse(number, 'a record whose bytes are no cpio header, or a TRAILER');
  collected.records += 1;
  const body = await spool.add(lines.bytes());
  own.push({ gap, raw, record, ...(line.sha256 === undefined ? { body } : { sha256: line.sha256 }) });
  const size = line.target === undefined ? body.size : encodePath(line.target).length;
  if (line.sha256 === undefined && size !== record.header.filesize)
    throw refuse(number, `${size} bytes of a body of ${record.header.filesize}`);
}

function createRecord(line: SidecarRecord, raw: Uint8Array, index: number): ArchiveRecord | undefined {
  const parsed = parseRecordBytes(raw);
  if (parsed === undefined) return undefined;
  const target = line.target === undefined ? {} : { target: line.target };
  return { segment: line.segment, index, position: 0, ...parsed, ...target };
}
