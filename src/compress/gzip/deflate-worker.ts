import { parentPort } from 'node:worker_threads';
import { createDeflate, type DeflateRequest } from './deflate.js';

const deflate = createDeflate();

parentPort?.on('message', (request: DeflateRequest) => {
  const answer = deflate(request);
  parentPort?.postMessage(answer, [answer.bytes.buffer as ArrayBuffer, ...answer.request]);
});
