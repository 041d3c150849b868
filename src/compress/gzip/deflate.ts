import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface DeflateRequest {
  readonly bytes: Uint8Array;
  readonly level: number;
}

export interface DeflateAnswer {
  readonly bytes: Uint8Array;
  /** The buffer of the request, to be recycled. */
  readonly request: ArrayBuffer;
  /** Of the bytes before compression. */
  readonly checksum: number;
}

/** What `libdeflate/deflate.c` exports; addresses are signed, as all numbers of WebAssembly. */
interface Deflate {
  readonly memory: { readonly buffer: ArrayBuffer };
  reserve(level: number, length: number): number;
  compress(length: number): number;
  compressed(): number;
}

// TypeScript declares it with the DOM only.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** libdeflate in the thread of the caller: the same bytes for the same input and level on every machine. */
export function createDeflate(): (request: DeflateRequest) => DeflateAnswer {
  const module = new WebAssembly.Module(readFileSync(new URL('./libdeflate/deflate.wasm', import.meta.url)));
  const { memory, reserve, compress, compressed } = new WebAssembly.Instance(module).exports as Deflate;
  return ({ bytes, level }) => {
    const input = reserve(level, bytes.length) >>> 0;
    if (input === 0) throw new RangeError(`no memory to compress ${bytes.length} bytes in one piece`);
    new Uint8Array(memory.buffer, input).set(bytes);
    const length = compress(bytes.length) >>> 0;
    return {
      bytes: new Uint8Array(memory.buffer, compressed() >>> 0, length).slice(),
      request: bytes.buffer as ArrayBuffer,
      checksum: crc32(bytes),
    };
  };
}
