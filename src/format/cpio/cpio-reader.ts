import type { Token } from '../../model/image/archive.js';
import type { Header } from '../../model/image/layout.js';
import { parseType } from '../mode.js';
import {
  type HeaderProblem,
  headerSize,
  isSkipped,
  isTrailer,
  longestReadName,
  maximumNameSize,
  padding,
  parseHeader,
  sliceName,
} from './cpio-header.js';
import { emptyFields, patchRecord } from './cpio-writer.js';

/**
 * The tokens, in order; `data` pieces are views of the pushed chunk. `position` counts from `CpioReaderOptions.position`.
 */
export type ReaderToken =
  | Token
  | { readonly kind: 'problem'; readonly problem: ReaderProblem; readonly position: number };

/** Reasons to stop: the kernel stops at them too (with the same words), or would read beyond the archive. */
export type ReaderProblem = HeaderProblem | 'broken-padding' | 'name-too-long' | 'truncated' | 'not-an-entry';

export interface CpioReader {
  /** Bytes of the archive consumed so far. */
  readonly position: number;
  /** The rest of the last chunk, from `position` on, is not part of this archive. */
  readonly ended: boolean;
  /** Inside of an entry, or of the padding behind it: a member of a kernel's cannot end here. */
  readonly inside: 'entry' | 'padding' | undefined;
  push(chunk: Uint8Array): Generator<ReaderToken, void, void>;
  /** Ends the archive: a problem when an entry is incomplete. */
  end(): Generator<ReaderToken, void, void>;
}

export interface CpioReaderOptions {
  /** The first value of `position`: a raw archive inside a file is aligned to the file. */
  readonly position?: number;
  /**
   * For a raw archive inside a file: a TRAILER, or any byte but `0` between entries, ends the archive without a
   * problem.
   */
  readonly embedded?: boolean;
}

/** The longest body of a TRAILER that is kept; a kernel skips it. Of a longer one not even the size in the header is. */
const longestTrailerBody = 32 * 1024;

type State = 'between' | 'header' | 'name' | 'body' | 'padding' | 'stopped';

/**
 * A push parser of newc archives (070701 and 070702) that follows the state machine of the kernel's init/initramfs.c:
 * zeros between entries are skipped, a TRAILER does not end the archive, an entry begins at a multiple of four. A record
 * whose name the kernel skips (none, or more than 4096 bytes) is an entry too. The parser buffers one header with its
 * name.
 */
export function createCpioReader({
  position: origin = 0,
  embedded = false,
}: CpioReaderOptions = {}): CpioReader {
  let position = origin;
  let state: State = 'between';
  /** The next byte of the present chunk. */
  let at = 0;
  let buffer = new Uint8Array(headerSize + maximumNameSize + 4);
  let bufferedSize = 0;
  let wanted = 0;
  let header = noHeader;
  let start = 0;
  /** Bytes to come of a body, or of the padding behind it. */
  let left = 0;
  let sum = 0;
  let isAfterTrailer = false;
  let trailer = new Uint8Array();
  let trailerSize = 0;

  const steps: Readonly<Record<State, (chunk: Uint8Array) => ReaderToken | undefined>> = {
    between: findEntry,
    header: readHeader,
    name: readName,
    body: readBody,
    padding: skipPadding,
    stopped: () => undefined,
  };

  function* push(chunk: Uint8Array): Generator<ReaderToken, void, void> {
    at = 0;
    while (state !== 'stopped' && (at < chunk.length || isBodyComplete())) {
      const token = steps[state](chunk);
      if (token !== undefined) yield token;
    }
  }

  function isBodyComplete(): boolean {
    return state === 'body' && left === 0;
  }

  function advance(count: number): void {
    at += count;
    position += count;
  }

  function stop(problem: ReaderProblem, where: number): ReaderToken {
    state = 'stopped';
    return { kind: 'problem', problem, position: where };
  }

  function findEntry(chunk: Uint8Array): ReaderToken | undefined {
    if (!embedded || !isAfterTrailer) advance(skipZeros(chunk, at) - at);
    if (at === chunk.length) return undefined;
    const isEntry = chunk[at] === 0x30;
    if (embedded && (isAfterTrailer || !isEntry)) {
      state = 'stopped';
      return undefined;
    }
    if (position % 4 !== 0) return stop('broken-padding', position);
    if (!isEntry) return stop('not-an-entry', position);
    state = 'header';
    [start, bufferedSize, wanted] = [position, 0, headerSize];
    return undefined;
  }

  /** Whether `wanted` bytes are buffered now. */
  function fill(chunk: Uint8Array): boolean {
    const count = Math.min(wanted - bufferedSize, chunk.length - at);
    buffer.set(chunk.subarray(at, at + count), bufferedSize);
    bufferedSize += count;
    advance(count);
    return bufferedSize === wanted;
  }

  function readHeader(chunk: Uint8Array): ReaderToken | undefined {
    if (!fill(chunk)) return undefined;
    const parsed = parseHeader(buffer.subarray(0, headerSize));
    if (typeof parsed === 'string') return stop(parsed, start);
    if (parsed.namesize > longestReadName) return stop('name-too-long', start);
    header = parsed;
    wanted = headerSize + parsed.namesize + padding(headerSize + parsed.namesize);
    if (wanted > buffer.length) {
      const larger = new Uint8Array(wanted);
      larger.set(buffer.subarray(0, bufferedSize));
      buffer = larger;
    }
    state = 'name';
    return undefined;
  }

  function readName(chunk: Uint8Array): ReaderToken | undefined {
    if (!fill(chunk)) return undefined;
    const raw = buffer.slice(0, wanted);
    const name = sliceName(raw, header.namesize);
    [sum, left, state] = [0, header.filesize, 'body'];
    isAfterTrailer = isTrailer(name, header);
    if (!isAfterTrailer) return { kind: 'entry', header, name, position: start, raw };
    [trailer, trailerSize] = [startTrailer(raw, left), raw.length];
    return undefined;
  }

  function readBody(chunk: Uint8Array): ReaderToken | undefined {
    if (left === 0) return finishBody();
    const count = Math.min(left, chunk.length - at);
    const bytes = chunk.subarray(at, at + count);
    if (isSummed(header)) sum = addBytes(sum, bytes);
    advance(count);
    left -= count;
    if (!isAfterTrailer) return { kind: 'data', bytes };
    if (trailerSize < trailer.length) {
      trailer.set(bytes, trailerSize);
      trailerSize += count;
    }
    return undefined;
  }

  function finishBody(): ReaderToken {
    left = padding(header.filesize);
    state = left === 0 ? 'between' : 'padding';
    if (!isAfterTrailer)
      return {
        kind: 'end',
        entryAt: start,
        checksum: !isSummed(header) ? 'none' : sum === header.check ? 'right' : 'wrong',
      };
    const name = sliceName(trailer, header.namesize);
    return { kind: 'trailer', header, name, position: start, raw: trailer };
  }

  function skipPadding(chunk: Uint8Array): undefined {
    const count = Math.min(left, chunk.length - at);
    advance(count);
    left -= count;
    if (left === 0) state = 'between';
  }

  function* end(): Generator<ReaderToken, void, void> {
    // The last body of a raw archive may lack its padding: the kernel does not need it.
    if (state === 'between' || state === 'stopped' || state === 'padding') return;
    yield stop('truncated', start);
  }

  return {
    push,
    end,
    get inside() {
      if (state === 'between' || state === 'stopped') return undefined;
      return state === 'padding' ? 'padding' : 'entry';
    },
    get position() {
      return position;
    },
    get ended() {
      return state === 'stopped';
    },
  };
}

const noHeader: Header = { ...emptyFields, magic: '070701', mode: 0, namesize: 0, check: 0 };

/** A kernel sums what it writes to a file, and nothing else: GNU cpio has 0 in the record of a symlink (booted, 6.1). */
function isSummed(header: Header): boolean {
  return header.magic === '070702' && parseType(header.mode) === 'file' && !isSkipped(header);
}

function skipZeros(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] === 0) at += 1;
  return at;
}

/** The record of a TRAILER, with room for its body and the padding of that. */
function startTrailer(raw: Uint8Array, filesize: number): Uint8Array<ArrayBuffer> {
  if (filesize > longestTrailerBody) return new Uint8Array(patchRecord(raw, { filesize: 0 }));
  const whole = new Uint8Array(raw.length + filesize + padding(filesize));
  whole.set(raw);
  return whole;
}

function addBytes(sum: number, bytes: Uint8Array): number {
  let total = sum;
  for (let at = 0; at < bytes.length; at += 1) total = (total + (bytes[at] ?? 0)) >>> 0;
  return total;
}
