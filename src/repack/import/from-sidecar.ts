import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { encodePath } from '../../format/path.js';
import { encodeRecordLine, fromBase64, parseRecordBytes } from '../../format/sidecar.js';
import type { Spool, Spooled } from '../../io/spool.js';
import type { Bytes } from '../../model/entry.js';
import { MobyPatchError } from '../../model/error.js';
import type { ArchiveRecord } from '../../model/layout.js';
import type { SidecarImage, SidecarLine, SidecarRecord, SidecarSegment } from '../../model/sidecar.js';
import { parseSidecarLine } from './from-line.js';

/** A piece of a segment as it was written: a record, or the TRAILER. */
export interface SidecarPiece {
  /** Zeros in front of it. */
  readonly gap: number;
  /** Header and name with their padding, and the body of a TRAILER. */
  readonly raw: Uint8Array;
  readonly record?: ArchiveRecord | undefined;
  /** The digest of a body that is in the folder or tar. */
  readonly sha256?: string | undefined;
  /** A body that is not. */
  readonly body?: Spooled | undefined;
}

export interface Sidecar {
  readonly image: Omit<SidecarImage, 'line'>;
  readonly segments: readonly SidecarSegment[];
  /** Segment index -> what it is made of, in order. */
  readonly pieces: readonly (readonly SidecarPiece[])[];
  /** Segment index -> the bytes of an opaque segment. */
  readonly opaque: ReadonlyMap<number, Spooled>;
}

/** Errors (`invalid`): `sidecar-unreadable`, and those of `readSidecar`. */
export async function readSidecarFile(path: string, spool: Spool): Promise<Sidecar> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    const message = `cannot open the sidecar: ${cause.code}`;
    throw new MobyPatchError('invalid', 'sidecar-unreadable', message, { path, cause });
  });
  return readSidecar(file.createReadStream(), path, spool);
}

/** Errors (`invalid`): `sidecar-invalid`, with the line. `name`: what messages call it. */
export async function readSidecar(
  bytes: NodeJS.ReadableStream,
  name: string,
  spool: Spool,
): Promise<Sidecar> {
  const refuse = (line: number, what: string) =>
    new MobyPatchError('invalid', 'sidecar-invalid', `found ${what}, wanted a sidecar that unpack wrote`, {
      path: `${name}:${line}`,
      hint: 'unpack the image again: moby-patch unpack IMAGE -o DIR',
    });
  const lines = readLines(bytes, name);
  try {
    return await collectSidecar(lines, spool, refuse);
  } finally {
    await lines.return(undefined);
  }
}

interface NumberedLine {
  readonly number: number;
  readonly line: SidecarLine;
}

async function* readLines(
  bytes: NodeJS.ReadableStream,
  name: string,
): AsyncGenerator<NumberedLine, void, void> {
  let number = 0;
  for await (const text of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    yield { number, line: parseSidecarLine(text, `${name}:${number}`) };
  }
}

async function collectSidecar(
  lines: AsyncGenerator<NumberedLine, void, void>,
  spool: Spool,
  refuse: (line: number, what: string) => MobyPatchError,
): Promise<Sidecar> {
  const segments: SidecarSegment[] = [];
  const pieces: SidecarPiece[][] = [];
  const opaque = new Map<number, Spooled>();
  let image: SidecarImage | undefined;
  let records = 0;
  let next = await lines.next();
  let last = 0;

  /** The bytes of the `bytes` lines that come now; the line behind them is the next one. */
  async function* takeBytes(): Bytes & AsyncGenerator<Uint8Array> {
    while (!next.done && next.value.line.line === 'bytes') {
      yield fromBase64(next.value.line.base64);
      next = await lines.next();
    }
  }

  while (!next.done) {
    const { number, line } = next.value;
    last = number;
    if ((image === undefined) !== (line.line === 'image')) throw refuse(number, `a line "${line.line}"`);
    if (line.line === 'end') return finish();
    next = await lines.next();
    if (line.line === 'image') image = line;
    else if (line.line === 'bytes') throw refuse(number, 'bytes that belong to nothing');
    else if (line.line === 'segment') {
      segments.push(line);
      pieces.push([]);
      const body = await spool.add(takeBytes());
      if (line.kind === 'opaque') opaque.set(segments.length - 1, body);
    } else {
      const own = pieces[line.segment];
      if (own === undefined || segments[line.segment]?.kind !== 'cpio')
        throw refuse(number, `a ${line.line} of segment ${line.segment}, which is no archive`);
      const raw = encodeRecordLine(line);
      const gap = line.gap ?? 0;
      if (line.line === 'trailer') own.push({ gap, raw });
      else {
        const record = createRecord(line, raw, records);
        if (record === undefined)
          throw refuse(number, 'a record whose bytes are no cpio header, or a TRAILER');
        records += 1;
        const body = await spool.add(takeBytes());
        own.push({ gap, raw, record, ...(line.sha256 === undefined ? { body } : { sha256: line.sha256 }) });
        const size = line.target === undefined ? body.size : encodePath(line.target).length;
        if (line.sha256 === undefined && size !== record.header.filesize)
          throw refuse(number, `${size} bytes of a body of ${record.header.filesize}`);
      }
    }
  }
  throw refuse(last, 'no last line "end"');

  function finish(): Sidecar {
    if (image === undefined || segments[image.root]?.kind !== 'cpio')
      throw refuse(1, 'no segment that new entries can go to');
    return { image, segments, pieces, opaque };
  }
}

function createRecord(line: SidecarRecord, raw: Uint8Array, index: number): ArchiveRecord | undefined {
  const parsed = parseRecordBytes(raw);
  if (parsed === undefined) return undefined;
  const target = line.target === undefined ? {} : { target: line.target };
  return { segment: line.segment, index, position: 0, ...parsed, ...target };
}
