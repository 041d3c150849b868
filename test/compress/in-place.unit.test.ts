import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  createDirectInflate,
  createDirectZstd,
  type DirectDecoder,
  decodeInPlace,
} from '#src/compress/in-place.js';

/** What node:zlib has inside is the same in every Node that is tried. */
function create(t: ExecutionContext): DirectDecoder {
  const inflate = createDirectInflate();
  t.truthy(inflate, process.version);
  return inflate as DirectDecoder;
}

/** All that comes out, in pieces of these sizes; and how much of the input was used when it ended. */
function inflateAll(inflate: DirectDecoder, input: Uint8Array, sizes: { input: number; output: number }) {
  const output = new Uint8Array(sizes.output);
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const piece = input.subarray(at, at + sizes.input);
    const { used, filled } = inflate.run(piece, output);
    at += used;
    pieces.push(Buffer.from(output.subarray(0, filled)));
    if (used < piece.length && filled < output.length) return { bytes: Buffer.concat(pieces), end: at };
  }
  return { bytes: Buffer.concat(pieces), end: undefined };
}

test('in pieces of any size it gives what was deflated, and says where that ends', (t) => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.nat(100_000).map((size) => new Uint8Array(size)),
    fc.nat(20_000).map((size) => new Uint8Array(randomBytes(size))),
  );
  const sizes = fc.record({
    input: fc.integer({ min: 1, max: 9000 }),
    output: fc.integer({ min: 1, max: 9000 }),
  });
  fc.assert(
    fc.property(bodies, sizes, fc.nat(9), fc.uint8Array({ minLength: 1 }), (body, size, level, behind) => {
      using inflate = create(t);
      const deflated = zlib.deflateRawSync(body, { level });
      const { bytes, end } = inflateAll(inflate, Buffer.concat([deflated, behind]), size);
      return bytes.equals(body) && end === deflated.length;
    }),
  );
});

test('without its end it gives all that there is, and does not end', (t) => {
  using inflate = create(t);
  const deflated = zlib.deflateRawSync(Buffer.alloc(100_000, 'some text'));
  const { bytes, end } = inflateAll(inflate, deflated.subarray(0, -1), { input: 50, output: 1000 });
  t.is(end, undefined);
  t.true(bytes.length > 0);
  t.true(bytes.equals(Buffer.alloc(100_000, 'some text').subarray(0, bytes.length)));
});

test('what no deflate stream has is an error with the code of zlib, again and again', (t) => {
  using inflate = create(t);
  const run = () => inflate.run(Buffer.from([0xff, 0xff, 0xff]), new Uint8Array(10));
  t.throws(run, { code: 'Z_DATA_ERROR', message: 'invalid block type' });
  t.throws(run, { code: 'Z_DATA_ERROR' });
});

test('nothing is inflated when it was ended', (t) => {
  const inflate = create(t);
  inflate[Symbol.dispose]();
  t.throws(() => inflate.run(zlib.deflateRawSync('text'), new Uint8Array(10)), { message: /has ended/ });
});

const { zstdCompressSync: packZstd } = zlib as { readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer };

// `ci/nodes.test.ts` runs it with a version of Node that has zstd.
if (packZstd !== undefined)
  test('a frame of zstd is unpacked in place, whatever fills the output', async (t) => {
    for (const size of [0, 1, 512 * 1024, 512 * 1024 + 1, 3_000_000]) {
      const body = Buffer.alloc(size, 'some text');
      const frame = packZstd(body);
      const { result, end } = await unpack(frame, frame.length);
      t.true(result.equals(body), `${size} bytes`);
      t.is(end, frame.length);
    }
    await t.throwsAsync(unpack(Buffer.alloc(100, 'no frame'), 100), { code: 'ZSTD_error_prefix_unknown' });
  });

/** What is in the first `size` bytes. */
async function unpack(bytes: Buffer, size: number) {
  const fill = (into: Uint8Array, offset: number) => bytes.copy(into, 0, offset, offset + into.length);
  const decoder = createDirectZstd() as DirectDecoder;
  const pieces = decodeInPlace(decoder, { fill, name: 'frame' }, { from: 0, end: size });
  const kept: Buffer[] = [];
  for (;;) {
    const next = await pieces.next();
    if (next.done) return { result: Buffer.concat(kept), end: next.value };
    kept.push(Buffer.from(next.value));
  }
}
