import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { watchSending } from '#src/engine/docker/patience.js';

const limits = { seconds: 60, registration: 60 };

test('an abort while a tar is sent breaks it off', async (t) => {
  const abort = new AbortController();
  const tar = new PassThrough();
  using sending = watchSending(tar, { ...limits, signal: abort.signal });
  tar.write('half');
  await turn();
  abort.abort();
  t.true(sending.left.aborted);
  tar.destroy();
});

test('an abort after the last byte waits for the answer: what the daemon makes of it must be there to be removed', async (t) => {
  const abort = new AbortController();
  using sending = watchSending(Readable.from([Buffer.from('all')]), { ...limits, signal: abort.signal });
  t.is((await buffer(sending.tar)).toString(), 'all');
  abort.abort();
  await turn();
  t.false(sending.left.aborted);
});
