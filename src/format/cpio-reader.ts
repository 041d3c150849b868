import type { Token } from '../model/archive.js';
import type { Header } from '../model/layout.js';
import {
  type HeaderProblem,
  headerSize,
  isTrailer,
  longestReadName,
  maximumNameSize,
  padding,
  parseHeader,
  sliceName,
} from './cpio-header.js';
import { patchRecord } from './cpio-writer.js';

/**
 * What the reader finds, in order; `data` pieces are views of the chunk that was pushed. `position` is counted from
 * `CpioReaderOptions.position`.
 */
export type ReaderToken =
  | Token
  | { readonly kind: 'problem'; readonly problem: ReaderProblem; readonly position: number };

/** Reasons to stop: the kernel stops at these too (with the same words), or reads what is not there. */
export type ReaderProblem = HeaderProblem | 'broken-padding' | 'name-too-long' | 'truncated' | 'not-an-entry';

export interface CpioReader {
  /** Bytes of the archive consumed so far. */
  readonly position: number;
  /** False inside an entry: a compressed member must not end here. */
  readonly between: boolean;
  /** The rest of the last chunk, from `position` on, is not part of this archive. */
  readonly ended: boolean;
  push(chunk: Uint8Array): Generator<ReaderToken, void, void>;
  /** Says that no more bytes come. */
  end(): Generator<ReaderToken, void, void>;
}

export interface CpioReaderOptions {
  /** What `position` starts from: a raw archive inside a file is aligned to the file. */
  readonly position?: number;
  /**
   * For a raw archive inside a file: between entries any byte but `0` ends the archive without a problem,
   * and so does a TRAILER.
   */
  readonly embedded?: boolean;
}

/** What is kept of a TRAILER's body, which a kernel skips: of a longer one nothing, nor its size in the header. */
const longestTrailerBody = 32 * 1024;

type State = 'between' | 'header' | 'name' | 'body' | 'padding' | 'stopped';

/**
 * A push parser of newc archives (070701 and 070702) that follows the state machine of the kernel's
 * init/initramfs.c: zeros between entries are skipped, a TRAILER does not end the archive, an entry
 * begins at a multiple of four. A name that the kernel skips (none, or more than 4096 bytes) makes an entry too.
 * It holds no more than one header with its name.
 */
export function createCpioReader(options: CpioReaderOptions = {}): CpioReader {
  const embedded = options.embedded ?? false;
  let position = options.position ?? 0;
  let state: State = 'between';
  let held = new Uint8Array(headerSize + maximumNameSize + 4);
  let heldSize = 0;
  let wanted = 0;
  let header: Header | undefined;
  let start = 0;
  let left = 0;
  let sum = 0;
  let afterTrailer = false;
  let trailer = new Uint8Array();
  let trailerSize = 0;

  function* push(chunk: Uint8Array): Generator<ReaderToken, void, void> {
    let at = 0;
    while (at < chunk.length && state !== 'stopped') {
      if (state === 'between') {
        const next = skipZeros(chunk, at);
        if (embedded && afterTrailer) {
          state = 'stopped';
          return;
        }
        position += next - at;
        at = next;
        if (at === chunk.length) return;
        if (chunk[at] !== 0x30) {
          state = 'stopped';
          if (!embedded)
            yield {
              kind: 'problem',
              problem: position % 4 === 0 ? 'not-an-entry' : 'broken-padding',
              position,
            };
          return;
        }
        if (position % 4 !== 0) {
          yield* stop('broken-padding', position);
          return;
        }
        state = 'header';
        start = position;
        heldSize = 0;
        wanted = headerSize;
      }
      if (state === 'header' || state === 'name') {
        const taken = Math.min(wanted - heldSize, chunk.length - at);
        held.set(chunk.subarray(at, at + taken), heldSize);
        heldSize += taken;
        at += taken;
        position += taken;
        if (heldSize < wanted) return;
        yield* state === 'header' ? finishHeader() : finishName();
      } else if (state === 'body') {
        const taken = Math.min(left, chunk.length - at);
        const bytes = chunk.subarray(at, at + taken);
        if (header?.magic === '070702') sum = addBytes(sum, bytes);
        at += taken;
        position += taken;
        left -= taken;
        if (!afterTrailer) yield { kind: 'data', bytes };
        else if (trailerSize < trailer.length) {
          trailer.set(bytes, trailerSize);
          trailerSize += taken;
        }
        if (left === 0) yield* finishBody();
      } else if (state === 'padding') {
        const taken = Math.min(left, chunk.length - at);
        at += taken;
        position += taken;
        left -= taken;
        if (left === 0) state = 'between';
      }
    }
  }

  function* finishHeader(): Generator<ReaderToken, void, void> {
    const parsed = parseHeader(held.subarray(0, headerSize));
    if (typeof parsed === 'string') {
      yield* stop(parsed, start);
      return;
    }
    if (parsed.namesize > longestReadName) {
      yield* stop('name-too-long', start);
      return;
    }
    header = parsed;
    wanted = headerSize + parsed.namesize + padding(headerSize + parsed.namesize);
    if (wanted > held.length) {
      const larger = new Uint8Array(wanted);
      larger.set(held.subarray(0, heldSize));
      held = larger;
    }
    state = 'name';
  }

  function* finishName(): Generator<ReaderToken, void, void> {
    if (header === undefined) return;
    const raw = held.slice(0, wanted);
    const name = sliceName(raw, header.namesize);
    sum = 0;
    left = header.filesize;
    afterTrailer = isTrailer(name, header);
    if (afterTrailer) [trailer, trailerSize] = [startTrailer(raw, left), raw.length];
    else yield { kind: 'entry', header, name, position: start, raw };
    state = 'body';
    if (left === 0) yield* finishBody();
  }

  function* finishBody(): Generator<ReaderToken, void, void> {
    if (header === undefined) return;
    const checksum = header.magic === '070701' ? 'none' : sum === header.check ? 'right' : 'wrong';
    if (afterTrailer) yield* finishTrailer(header);
    else yield { kind: 'end', checksum };
    left = padding(header.filesize);
    state = left === 0 ? 'between' : 'padding';
  }

  function* finishTrailer(found: Header): Generator<ReaderToken, void, void> {
    const name = sliceName(trailer, found.namesize);
    yield { kind: 'trailer', header: found, name, position: start, raw: trailer };
  }

  function* stop(problem: ReaderProblem, where: number): Generator<ReaderToken, void, void> {
    state = 'stopped';
    yield { kind: 'problem', problem, position: where };
  }

  function* end(): Generator<ReaderToken, void, void> {
    // A last body may lack its padding: the kernel has all it wants by then.
    if (state === 'between' || state === 'stopped' || state === 'padding') return;
    yield* stop('truncated', start);
  }

  return {
    push,
    end,
    get position() {
      return position;
    },
    get between() {
      return state === 'between';
    },
    get ended() {
      return state === 'stopped';
    },
  };
}

function skipZeros(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] === 0) at += 1;
  return at;
}

/** The TRAILER's record with room for its body and the padding behind that. */
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
