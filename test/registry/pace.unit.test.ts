import test from 'ava';
import { parseReference } from '#src/registry/reference.js';
import { watchSilence } from '#src/registry/watch-silence.js';

const reference = parseReference('oci://registry.example.com/vm:1');
const { signal } = new AbortController();

/** Reads pieces, each of which comes after so many seconds of a clock of its own; how many bytes came. */
async function read(pieces: number, size: number, seconds: number): Promise<number> {
  let at = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        at += seconds * 1000;
        if (at > pieces * seconds * 1000) controller.close();
        else controller.enqueue(new Uint8Array(size));
      },
    },
    { highWaterMark: 0 },
  );
  let came = 0;
  const options = { what: 'the blob', reference, signal, now: () => at };
  for await (const piece of watchSilence(new Response(body), options)) came += piece.length;
  return came;
}

test('a blob that only trickles is an error, though it is never silent', async (t) => {
  await t.throwsAsync(read(100, 1, 59), {
    code: 'registry-answer',
    message: /fewer than 60000 bytes of the blob in 600 s/,
  });
});

test('a line of 300 bytes a second is slow, and no error', async (t) => {
  t.is(await read(1000, 3000, 10), 3_000_000);
});

test('what is over before the rate is taken may be as small as it likes', async (t) => {
  t.is(await read(5, 1, 59), 5);
});
