export const lzmaHeaderSize = 13;

/** Bytes of the dictionary from the header of an "lzma alone" file; undefined when it is cut. */
export function parseLzmaDictionary(bytes: Uint8Array): number | undefined {
  if (bytes.length < lzmaHeaderSize) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(1, true);
}
