import { createForeignError, identifyAt } from '../compress/foreign.js';
import { detectCodec } from '../format/codec/magic.js';
import { identifyFile } from '../format/kind/file-kind.js';
import { quoteText, textStart } from '../format/kind/plain-text.js';
import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Codec } from '../model/image/layout.js';

/** The error for bytes with which no image begins; nothing for no bytes. */
export function refuseStart(start: Uint8Array, name: string): MobyPatchError | undefined {
  if (start.length === 0 || classifyStart(start, 0) !== 'opaque') return undefined;
  const kind = identifyFile({ start });
  return kind === undefined ? createBytesError(name, 0, start) : createForeignError(name, 0, kind);
}

/** What a kernel takes the first bytes of a part of an image for. */
export function classifyStart(start: Uint8Array, offset: number): 'padding' | 'opaque' | Codec {
  if (start[0] === 0) return 'padding';
  if (start[0] === 0x30)
    return offset % 4 === 0 && Buffer.from(start).toString('latin1').startsWith('0707') ? 'none' : 'opaque';
  return detectCodec(start) ?? 'opaque';
}

/** `from`: where the image begins; at `offset` are the first bytes that are no zeros. */
export async function createNoImageError(
  file: InputFile,
  { from, offset }: { readonly from: number; readonly offset: number },
): Promise<MobyPatchError> {
  // A file system may begin with zeros.
  for (const at of new Set([from, offset])) {
    const kind = await identifyAt(file, at);
    if (kind !== undefined) return createForeignError(file.name, at, kind);
  }
  const start = await file.read(offset, Math.min(offset + textStart, file.size));
  return createBytesError(file.name, offset, start);
}

/** Nothing but zeros, or members without an entry. */
export async function createNoArchiveError(file: InputFile): Promise<MobyPatchError> {
  const kind = await identifyAt(file);
  if (kind !== undefined) return createForeignError(file.name, 0, kind);
  const message = await describeEmpty(file);
  return new MobyPatchError('invalid', 'image-invalid', message, { path: file.name });
}

/** How many bytes are examined for zeros: no image has so many in front of its first archive. */
const zerosStart = 2 ** 20;

async function describeEmpty(file: InputFile): Promise<string> {
  if (file.size === 0) return 'the file is empty, wanted an initrd';
  const start = await file.read(0, Math.min(zerosStart, file.size));
  if (start.some((byte) => byte !== 0)) return 'the file holds no cpio archive';
  return `found ${file.size > start.length ? 'a file that begins with a mebibyte of' : 'nothing but'} zeros, wanted an initrd`;
}

function createBytesError(name: string, offset: number, start: Uint8Array): MobyPatchError {
  const text = quoteText(start);
  const bytes = Buffer.from(start.subarray(0, 6)).toString('hex');
  return new MobyPatchError(
    'invalid',
    'image-invalid',
    `found ${text === undefined ? `the bytes ${bytes}` : `a text that begins with ${text}`}, wanted a cpio archive (070701) or a compression the kernel knows`,
    {
      path: name,
      offset,
      hint: 'an initrd is wanted, or a file with one inside: docs/wrappers.md has those',
    },
  );
}
