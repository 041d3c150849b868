import { parentPort, workerData } from 'node:worker_threads';
import type { ReplacedText, ReplaceRequest } from './replace-pattern.js';

function replace({ text, pattern, replacement }: ReplaceRequest): ReplacedText {
  const expression = new RegExp(pattern, 'gmu');
  let count = 0;
  for (const _ of text.matchAll(expression)) count += 1;
  return { count, text: count === 0 ? text : text.replace(expression, replacement) };
}

parentPort?.postMessage(replace(workerData as ReplaceRequest));
