import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { deflate } from 'libdeflate';

export interface DeflateRequest {
  readonly bytes: Uint8Array;
  readonly level: number;
}

export interface DeflateAnswer {
  readonly bytes: Uint8Array;
  /** Of the request, to be used again. */
  readonly request: ArrayBuffer;
  /** Of the bytes before compression. */
  readonly checksum: number;
}

parentPort?.on('message', ({ bytes, level }: DeflateRequest) => {
  const request = bytes.buffer as ArrayBuffer;
  const answer: DeflateAnswer = { bytes: deflate(bytes, level), checksum: crc32(bytes), request };
  parentPort?.postMessage(answer, [answer.bytes.buffer as ArrayBuffer, request]);
});
