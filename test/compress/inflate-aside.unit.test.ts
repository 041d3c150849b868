import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import test from 'ava';
import { inflateAside } from '#src/compress/gzip/inflate-aside.js';

const noise = randomBytes(100_000);
const body = Buffer.concat([noise, Buffer.alloc(200_000, 'moby'), noise]);
const stream = deflateRawSync(body);

test('whole streams are inflated side by side, each into the buffer of its caller', async (t) => {
  const outputs = Array.from({ length: 9 }, (_, index) => new Uint8Array(body.length + 1 + index));
  const found = await Promise.all(outputs.map((output) => inflateAside(stream, output)));
  for (const [index, bytes] of found.entries()) {
    t.true(bytes.buffer === outputs[index]?.buffer);
    t.true(body.equals(bytes));
    t.not(bytes.slice().buffer, bytes.buffer);
  }
});

test('what is not one whole stream is refused, and what comes after it is read', async (t) => {
  const output = () => new Uint8Array(body.length + 1);
  const damaged = Buffer.from(stream);
  damaged.fill(255, 0, 100);
  const wrong = {
    cut: stream.subarray(0, -20),
    damaged,
    empty: new Uint8Array(),
    'followed by more': Buffer.concat([stream, stream]),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    await t.throwsAsync(inflateAside(bytes, output()), undefined, what);
    t.true(body.equals(await inflateAside(stream, output())), what);
  }
  await t.throwsAsync(inflateAside(stream, new Uint8Array(1000)), undefined, 'no room');
});
