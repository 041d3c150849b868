import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { findBootconfig } from '../../compress/find-bootconfig.js';
import { encodePadding, encodeRecord, encodeTrailer } from '../../format/cpio-writer.js';
import { createMode } from '../../format/mode.js';
import { encodePath } from '../../format/path.js';
import { createChangedError, createReadError, openInputFile } from '../../io/input-file.js';
import { streamRegular } from '../../io/regular-file.js';
import { quoteWord, readScript, setVariables } from '../../io/script.js';
import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import type { Init } from './detect-init.js';
import { markerWord } from './marker.js';

/** What boots with the image to report from the guest. */
export interface Probe {
  /** A raw newc archive; empty when there is no probe and only the console counts. */
  readonly segment: Uint8Array;
  /** Words for the kernel's command line. */
  readonly words: readonly string[];
}

export interface ProbeRequest {
  readonly init: Init;
  /** Identifies this boot in every line of the probe. */
  readonly nonce: string;
  readonly expects: readonly Expectation[];
  /** The first program of the image: `/init`, or the last `rdinit=` of the command line. */
  readonly firstProgram: string;
}

/**
 * The archive has no record of a directory, since a record would change the directory's mode. Errors (`invalid`):
 * `expectation-content`, `expectations-too-long`.
 */
export function createProbe({ init, nonce, expects, firstProgram }: ProbeRequest): Probe {
  if (init === 'none') return { segment: new Uint8Array(), words: [] };
  if (init === 'other') {
    const script = createWrapper(nonce, expects, firstProgram);
    return { segment: encodeArchive([encodeFile(markerWord, script)]), words: [`rdinit=/${markerWord}`] };
  }
  const service = `etc/init.d/${markerWord}`;
  const segment = encodeArchive([
    encodeFile(service, createService(nonce, expects)),
    encodeSymlink(`etc/runlevels/default/${markerWord}`, `/${service}`),
  ]);
  return { segment, words: [] };
}

/** The OpenRC service that reports the end of the default runlevel. */
export function createService(nonce: string, expects: readonly Expectation[]): string {
  return setVariables(read('service'), createVariables(nonce, expects));
}

/** A shell variable holds a content; probe-functions.sh reads one byte more. */
const longestContent = 32 * 1024;
/** The checks travel in one environment variable, and the kernel limits one to 128 KiB (MAX_ARG_STRLEN). */
const longestChecks = 100 * 1024;

/** The program that starts a watcher and becomes the image's first program, `init`. */
export function createWrapper(nonce: string, expects: readonly Expectation[], init: string): string {
  const variables = createVariables(nonce, expects);
  if (Buffer.byteLength(variables.probe_checks) > longestChecks)
    throw new MobyPatchError(
      'invalid',
      'expectations-too-long',
      'the expected contents are more than 100 KiB in all',
      { hint: 'expect parts of them on the console instead' },
    );
  return setVariables(read('init'), { ...variables, probe_watcher: read('watcher'), probe_init: init });
}

function createVariables(nonce: string, expects: readonly Expectation[]) {
  return {
    probe_marker: `${markerWord} ${nonce}`,
    probe_functions: read('functions'),
    probe_checks: expects.flatMap(createCheck).join(' '),
  };
}

/** Four words for `report` of probe-functions.sh. */
function createCheck(expectation: Expectation, index: number): string[] {
  if ('console' in expectation) return [];
  const { file, content } = expectation;
  if (content !== undefined && (content.includes('\0') || Buffer.byteLength(content) > longestContent))
    throw new MobyPatchError(
      'invalid',
      'expectation-content',
      `the expected content of ${file} is binary or longer than 32 KiB`,
      { path: file, hint: 'expect that the file exists, and its effect on the console' },
    );
  const check = content === undefined ? 'exists' : 'contains';
  const path = quoteWord(`/${file.replace(/^\/+/, '')}`);
  return [check, String(index), path, quoteWord(content ?? '')];
}

function read(name: 'functions' | 'init' | 'service' | 'watcher'): string {
  return readScript(new URL(`./probe-${name}.sh`, import.meta.url));
}

export interface ProbedImage {
  /** The image file, and the hex digest that it must have. */
  readonly image: string;
  readonly sha256?: string | undefined;
  readonly segment: Uint8Array;
  /** The new file. */
  readonly path: string;
}

/**
 * Writes the image with a gap and the segment in front of its boot configuration: the file for QEMU. Errors: `image-unreadable` (`invalid`), `image-changed`
 * (`failed`).
 */
export async function writeProbedImage({ image, sha256, segment, path }: ProbedImage): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of readImage(image)) {
    hash.update(piece);
    await file.appendFile(piece);
    size += piece.length;
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256)
    throw createChangedError(image, 'the file was replaced or written to before it was booted');
  const trailer = await readTrailer(path);
  const end = size - trailer.length;
  const gap = createGap(end);
  // It is as far from a multiple of four as before.
  const moved = encodePadding(trailer.length === 0 ? 0 : gap.length + segment.length);
  const bytes = Buffer.concat([gap, segment, moved, trailer]);
  await file.write(bytes, 0, bytes.length, end);
}

/** The boot configuration of an image, which a kernel only sees at the very end; no bytes without one. */
async function readTrailer(path: string): Promise<Uint8Array> {
  await using file = await openInputFile(path);
  const found = await findBootconfig(file);
  return found === undefined ? new Uint8Array() : file.read(found.offset, file.size);
}

async function* readImage(path: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* streamRegular(path);
  } catch (cause) {
    throw createReadError(path, cause);
  }
}

/** A raw archive starts at a multiple of four; after lz4 the kernel wants four zeros before another codec. */
function createGap(size: number): Uint8Array {
  return new Uint8Array(4 + encodePadding(size).length);
}

function encodeFile(path: string, text: string): Uint8Array {
  return encodeEntry(path, createMode('file', 0o755), text);
}

function encodeSymlink(path: string, target: string): Uint8Array {
  return encodeEntry(path, createMode('symlink', 0o777), target);
}

function encodeEntry(path: string, mode: number, text: string): Uint8Array {
  const body = encodePath(text);
  const record = encodeRecord({ mode, filesize: body.length }, encodePath(path));
  return Buffer.concat([record, body, encodePadding(body.length)]);
}

function encodeArchive(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...entries, encodeTrailer()]);
}
