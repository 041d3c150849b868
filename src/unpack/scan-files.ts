import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { LayoutFile } from '../model/image/layout.js';
import { refuseStart } from './image-start.js';
import {
  type Grammar,
  type ScannedMember,
  type ScannedSegment,
  type ScanOptions,
  scanImage,
} from './scan.js';

/**
 * Reads an image that several files were joined to: each by itself, so that no segment belongs to two of them. What
 * stands between two files belongs to neither. Errors: those of `scanImage`, each about its file and with its offset in
 * it; `files-order` for a file whose end a kernel reads otherwise when another follows.
 */
export async function scanFiles(
  file: InputFile,
  files: readonly LayoutFile[],
  options: ScanOptions,
): Promise<Grammar> {
  const segments: ScannedSegment[] = [];
  const members: ScannedMember[] = [];
  for (const part of files) {
    const end = segments.at(-1)?.end ?? 0;
    if (part.offset > end) segments.push(createGap('padding', end, part.offset));
    if (part.offset === part.end) continue;
    if (segments.some(({ kind }) => kind === 'opaque')) {
      segments.push(createGap('opaque', part.offset, part.end));
      continue;
    }
    const found = await scanPart(file, part, { options, before: segments });
    segments.push(...found.segments);
    members.push(...found.members);
    // Fewer zeros than a kernel wants behind lz4 are padding too.
    const last = found.segments.findLast(({ kind }) => kind !== 'padding');
    if (part !== files.at(-1)) await assertFollowed(file, part, last);
  }
  if (options.collector.size > 0) return { segments, members };
  const path = file.name;
  throw new MobyPatchError('invalid', 'image-invalid', 'the files hold no cpio archive', { path });
}

/** As it looks to a reader that must not go on into the next file. */
export function limitFile(file: InputFile, end: number, name = file.name): InputFile {
  return {
    ...file,
    name,
    size: Math.min(file.size, end),
    read: (offset, to) => file.read(offset, Math.max(offset, Math.min(to, end))),
    fill: (bytes, offset) => file.fill(bytes.subarray(0, Math.max(0, end - offset)), offset),
  };
}

interface PartOptions {
  readonly options: ScanOptions;
  /** Of the files in front of it. */
  readonly before: readonly ScannedSegment[];
}

async function scanPart(
  file: InputFile,
  { name, offset, end }: LayoutFile,
  { options, before }: PartOptions,
): Promise<Grammar> {
  try {
    const part = { ...limitFile(file, end, name), start: offset };
    const problem = refuseStart(await part.read(offset, Math.min(offset + 512, end)), name);
    if (problem !== undefined) throw problem;
    // One file of zeros is valid; only a whole image of zeros is not.
    return await scanImage(part, { ...options, start: { offset, segments: before.length, records: 1 } });
  } catch (error) {
    throw isAbout(error, name) ? moveOffset(error, offset) : error;
  }
}

function isAbout(error: unknown, name: string): error is MobyPatchError {
  return error instanceof MobyPatchError && error.path === name && error.offset !== undefined;
}

function moveOffset(error: MobyPatchError, by: number): MobyPatchError {
  const { kind, code, message, path, hint, cause, offset = 0 } = error;
  return new MobyPatchError(kind, code, message, { path, hint, cause, offset: Math.max(0, offset - by) });
}

/** A kernel sees no end of a file: it reads on in the next one. */
async function assertFollowed(
  file: InputFile,
  { name, offset, end }: LayoutFile,
  last: ScannedSegment | undefined,
): Promise<void> {
  if (last?.kind === 'bootconfig')
    throw createOrderError(
      name,
      'it ends with a boot configuration, which a kernel finds only at the very end',
    );
  if (last?.kind !== 'cpio' || last.compression.codec !== 'lz4') return;
  const behind = await file.read(last.end, last.end + 4);
  if (behind.length < 4 || behind.every((byte) => byte === 0)) return;
  throw new MobyPatchError(
    'invalid',
    'files-order',
    'it ends with an lz4 frame, and a kernel takes what is directly behind that for a further block',
    {
      path: name,
      offset: end - offset,
      hint: `put at least four zeros at its end: truncate -s +4 ${name}, or give it last`,
    },
  );
}

function createOrderError(path: string, message: string): MobyPatchError {
  return new MobyPatchError('invalid', 'files-order', message, { path, hint: 'give this file last' });
}

function createGap(kind: 'padding' | 'opaque', offset: number, end: number): ScannedSegment {
  const nothing = { members: 0, entries: 0, unpacked: 0, trailer: false };
  return { offset, end, kind, compression: { codec: 'none' }, ...nothing };
}
