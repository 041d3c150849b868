import { detectCodec } from '../format/codec/magic.js';
import { type InputFile, readRange } from '../io/file/input-file.js';
import { readMember } from './compression.js';

/**
 * The kernel proper. In a bzImage it stands compressed behind the set-up code (Documentation/x86/boot.rst), and its size
 * follows in four bytes; not after gzip, which ends with the size anyway. Any other file may be compressed as a whole.
 */
export async function* openKernelPayload(file: InputFile): AsyncGenerator<Uint8Array, void, void> {
  const bytes = Buffer.from(await file.read(0, Math.min(4096, file.size)));
  const isImage = bytes.length > 0x250 && bytes.toString('latin1', 0x202, 0x206) === 'HdrS';
  const offset = isImage ? ((bytes[0x1f1] || 4) + 1) * 512 + bytes.readUInt32LE(0x248) : 0;
  const end = isImage ? Math.min(offset + bytes.readUInt32LE(0x24c), file.size) : file.size;
  const codec = detectCodec(await file.read(offset, Math.min(offset + 2, end)));
  if (codec === undefined) yield* readRange(file, offset, end);
  else yield* readMember({ ...file, size: isImage && codec !== 'gzip' ? end - 4 : end }, { codec, offset });
}
