import { copyFile, open, stat } from 'node:fs/promises';
import { encodePadding, encodeRecord, encodeTrailer } from '../../format/cpio-writer.js';
import { createMode } from '../../format/mode.js';
import { encodePath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import type { Init } from './detect-init.js';
import { markerWord } from './marker.js';
import { createService, createWrapper } from './probe.js';

export interface Probe {
  /** A raw newc archive; empty when the guest is only listened to. */
  readonly segment: Uint8Array;
  /** Words for the kernel's command line. */
  readonly words: readonly string[];
}

export interface ProbeRequest {
  readonly init: Init;
  readonly nonce: string;
  readonly expects: readonly Expectation[];
  /** The first program of the image: `/init`, or the last `rdinit=` of the command line. */
  readonly firstProgram: string;
}

/** What travels to the guest beside the image. It names no directory, since a record would change its mode. */
export function createProbe(request: ProbeRequest): Probe {
  const { init, nonce, expects, firstProgram } = request;
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

/** Writes the image's bytes, zeros and the segment to `path`: the file that QEMU is given. */
export async function writeProbedImage(image: string, segment: Uint8Array, path: string): Promise<void> {
  let size: number;
  try {
    size = (await stat(image)).size;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new MobyPatchError('invalid', 'image-unreadable', `the image ${image} cannot be read (${code})`, {
      path: image,
      cause,
    });
  }
  await copyFile(image, path);
  await using file = await open(path, 'a');
  await file.appendFile(createGap(size));
  await file.appendFile(segment);
}

/** A raw archive starts at a multiple of four; after lz4 the kernel wants four zeros before another codec. */
function createGap(size: number): Uint8Array {
  return new Uint8Array(4 + encodePadding(size).length);
}

function encodeFile(path: string, text: string): Uint8Array {
  return encodeBody(path, createMode('file', 0o755), text);
}

function encodeSymlink(path: string, target: string): Uint8Array {
  return encodeBody(path, createMode('symlink', 0o777), target);
}

function encodeBody(path: string, mode: number, text: string): Uint8Array {
  const body = encodePath(text);
  const record = encodeRecord({ mode, filesize: body.length }, encodePath(path));
  return Buffer.concat([record, body, encodePadding(body.length)]);
}

function encodeArchive(records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...records, encodeTrailer()]);
}
