import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { deflate } from 'libdeflate';

export interface DeflateRequest {
  readonly bytes: Uint8Array;
  readonly level: number;
}

export interface DeflateAnswer {
  readonly bytes: Uint8Array;
  /** Of the bytes before compression. */
  readonly checksum: number;
}

parentPort?.on('message', ({ bytes, level }: DeflateRequest) => {
  const answer: DeflateAnswer = { bytes: deflate(bytes, level), checksum: crc32(bytes) };
  parentPort?.postMessage(answer, [answer.bytes.buffer as ArrayBuffer]);
});
