import { detectCodec } from '../format/codec/magic.js';
import {
  identifyFile,
  longestMark,
  type PackedPart,
  quoteFile,
  tailSize,
  unpackFrom,
} from '../format/kind/file-kind.js';
import { beginsImage } from '../format/kind/image-start.js';
import type { FileKind } from '../format/kind/mark.js';
import { type InputFile, openInputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import { type MemberOptions, readMember } from './compression.js';

/** What stands at a place of a file in place of an archive: a kind from the table, or a compressed file of one. */
export async function identifyAt(file: InputFile, offset = 0): Promise<FileKind | undefined> {
  const start = await file.read(offset, Math.min(offset + longestMark, file.size));
  const tail = await file.read(Math.max(offset, file.size - tailSize), file.size);
  return identifyFile({ start, tail });
}

/** What a member holds in place of an archive; undefined for an archive, and for a member that cannot be read. */
export async function identifyContent(
  file: InputFile,
  options: MemberOptions,
): Promise<FileKind | undefined> {
  const start = await readStart(file, options).catch(() => new Uint8Array());
  const first = start.findIndex((byte) => byte !== 0);
  const isArchive =
    first >= 0 && /^07070[12]/.test(Buffer.from(start.subarray(first, first + 6)).toString('latin1'));
  return isArchive ? undefined : (identifyFile({ start }) ?? identifyMember(start));
}

async function readStart(file: InputFile, options: MemberOptions): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of readMember(file, options)) {
    pieces.push(piece.slice());
    size += piece.length;
    if (size >= longestMark) break;
  }
  return Buffer.concat(pieces);
}

function identifyMember(start: Uint8Array): FileKind | undefined {
  const codec = detectCodec(start);
  if (codec === undefined) return undefined;
  return {
    id: codec,
    name: `${nameCodec(codec)} file: it was compressed twice`,
    help: (file) => `moby-patch inspect ${file}`,
  };
}

/** The error for a file that is no initrd. */
export function createForeignError(name: string, offset: number, kind: FileKind): MobyPatchError {
  const code = kind.isDisk ? 'image-unsupported' : 'image-invalid';
  return new MobyPatchError('invalid', code, `found ${kind.name}, wanted an initrd`, {
    path: name,
    offset,
    hint: kind.help(quoteFile(name)),
  });
}

/** With its article. */
function nameCodec(codec: string): string {
  return `${/^[lx]/.test(codec) ? 'an' : 'a'} ${codec}`;
}

/** The error for a member that holds something else than an archive. */
export function createContentError(
  { name, start = 0 }: Pick<InputFile, 'name' | 'start'>,
  { codec, offset }: PackedPart,
  kind: FileKind,
): MobyPatchError {
  const command = unpackFrom(quoteFile(name), { codec, offset: offset - start });
  return new MobyPatchError(
    'invalid',
    'image-invalid',
    `found ${nameCodec(codec)} member that holds ${kind.name}, wanted a cpio archive in it`,
    {
      path: name,
      offset,
      hint: `${command} > inside; ${kind.isWrapper ? 'moby-patch inspect inside' : kind.help('inside')}`,
    },
  );
}

/**
 * The error for a file that is no initrd, on its own or compressed; undefined for anything else, and for a file that cannot
 * be read: reading it as an image gives the better error. Reads its start alone.
 */
export async function explainForeign(path: string, name: string): Promise<MobyPatchError | undefined> {
  return withFile(path, name, async (file) => {
    const error = await explainStart(file);
    const codec = detectCodec(await file.read(0, Math.min(2, file.size)));
    if (error !== undefined || codec === undefined) return error;
    const inside = await identifyContent(file, { codec, offset: 0 });
    return inside && createContentError(file, { codec, offset: 0 }, inside);
  });
}

/** The same without a look at what is compressed: that may take the start of a program. Error: `image-unsupported` or so. */
export async function refuseForeign(path: string, name: string): Promise<void> {
  const error = await withFile(path, name, explainStart);
  if (error !== undefined) throw error;
}

async function explainStart(file: InputFile): Promise<MobyPatchError | undefined> {
  if (beginsImage(await file.read(0, Math.min(longestMark, file.size)))) return undefined;
  const kind = await identifyAt(file);
  return kind && createForeignError(file.name, 0, kind);
}

async function withFile<T>(
  path: string,
  name: string,
  look: (file: InputFile) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    await using file = await openInputFile(path, name);
    return await look(file);
  } catch {
    return undefined;
  }
}
