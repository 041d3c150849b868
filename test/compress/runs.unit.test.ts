import test from 'ava';
import { cacheRuns } from '#src/compress/cached-runs.js';
import { isRunStart, type Piece, type Pieces } from '#src/compress/piece.js';
import { type RunCompressor, writeRuns } from '#src/compress/runs.js';
import { noCache } from '#src/io/cache.js';
import { slabSize } from '#src/io/file/slabs.js';

/** Members that tell what went into them: `[ab]` was buffered, `<abcdef>` was streamed. */
function createRecorder(compress: (run: string) => Promise<void> = async () => {}): RunCompressor {
  return {
    depth: 2,
    longest: 4,
    async compress(run) {
      await compress(Buffer.from(run).toString());
      return Buffer.from(`[${Buffer.from(run)}]`);
    },
    async *stream(source) {
      yield Buffer.from('<');
      yield* source;
      yield Buffer.from('>');
    },
    async [Symbol.asyncDispose]() {},
  };
}

const bytes = (text: string): Piece => ({ kind: 'bytes', bytes: Buffer.from(text) });

/** `|` is a cut, `(xy)` a whole member. */
async function* cut(text: string): AsyncGenerator<Piece> {
  for (const [piece, member] of text.matchAll(/\((.*?)\)|./g)) {
    if (piece === '|') yield { kind: 'cut' };
    else if (member === undefined) yield bytes(piece);
    else yield { kind: 'member', bytes: Buffer.from(member) };
  }
}

/** What is written, and the sizes of the members. */
async function collect(
  source: Pieces,
  compressor: RunCompressor,
  runSize: number | undefined = 1,
): Promise<{ text: string; sizes: readonly number[] }> {
  const members = writeRuns(source, { runSize, compressor });
  const pieces: Uint8Array[] = [];
  for (;;) {
    const next = await members.next();
    if (next.done) return { text: Buffer.concat(pieces).toString(), sizes: next.value };
    pieces.push(next.value);
  }
}

const write = async (text: string, compressor: RunCompressor) => (await collect(cut(text), compressor)).text;

for (const [source, wanted] of [
  ['', '[]'],
  ['ab', '[ab]'],
  ['ab|cd|e', '[ab][cd][e]'],
  ['||ab||', '[ab]'],
  ['abcd|e', '[abcd][e]'],
  ['ab|cdefgh|ij', '[ab]<cdefgh>[ij]'],
  ['abcdefgh', '<abcdefgh>'],
  ['ab(cd)(ef)gh', '[ab]cdef[gh]'],
  ['abcdefgh(ij)k', '<abcdefgh>ij[k]'],
  ['(ab)', 'ab'],
] as const) {
  test(`"${source}" becomes ${wanted}`, async (t) => {
    t.is(await write(source, createRecorder()), wanted);
  });
}

test('the size of each member is returned', async (t) => {
  const { text, sizes } = await collect(cut('ab|cdefgh(ij)|k'), createRecorder());
  t.is(text, '[ab]<cdefgh>ij[k]');
  t.deepEqual(sizes, [4, 8, 2, 3]);
});

test('a stream is cut where an entry begins a new run, and where a cut has no position', async (t) => {
  async function* source(): AsyncGenerator<Piece> {
    for (const [position, text] of [
      [0, 'a'],
      [9, 'b'],
      [10, 'c'],
      [12, 'd'],
      [31, 'e'],
      [undefined, 'f'],
      [35, 'g'],
    ] as const)
      yield* [{ kind: 'cut', position } as const, bytes(text)];
  }
  t.is((await collect(source(), createRecorder(), 10)).text, '[ab][cd][e][f][g]');
  t.is((await collect(source(), createRecorder(), 1000)).text, '<abcde>[fg]');
  t.true(isRunStart(2 ** 20, 2 ** 20 - 4));
  t.false(isRunStart(2 ** 20 - 4, 4));
});

test('without a run size the stream becomes one member, and nothing is compressed beside it', async (t) => {
  async function* source(): AsyncGenerator<Piece> {
    yield* cut('a|b');
    yield { kind: 'spare', bytes: Buffer.from('xyz'), key: 'spare' };
    yield* cut('|c');
  }
  const members = writeRuns(source(), { runSize: undefined, compressor: createRecorder() });
  const pieces: string[] = [];
  for await (const piece of members) pieces.push(Buffer.from(piece).toString());
  t.deepEqual(pieces, ['[abc]']);
});

test('a spare run is compressed and not written, wherever it stands', async (t) => {
  const keys: (string | undefined)[] = [];
  const recorder = createRecorder();
  const compressor: RunCompressor = {
    ...recorder,
    compress(run, place) {
      keys.push(place.key);
      return recorder.compress(run, place);
    },
    async spare(run, { key }) {
      keys.push(`${key}: ${Buffer.from(run)}`);
    },
  };
  const long = 'c'.repeat(slabSize);
  async function* source(): AsyncGenerator<Piece> {
    yield bytes('a');
    yield { kind: 'spare', bytes: Buffer.from('xyz'), key: 'spare' };
    yield bytes('b');
    yield { kind: 'cut', key: 'cut' };
    yield bytes('d');
    yield { kind: 'cut' };
    yield { kind: 'spare', bytes: Buffer.from('uvw'), key: 'other' };
    yield bytes(long);
    yield { kind: 'spare', bytes: Buffer.from('rst'), key: 'inside a run that is streamed' };
    yield bytes('e');
  }
  t.is((await collect(source(), compressor)).text, `[ab][d]<${long}e>`);
  t.deepEqual(keys, ['spare: xyz', undefined, 'cut', 'other: uvw']);
});

test('nothing is compressed for a cache that cannot be written', async (t) => {
  const compressed: string[] = [];
  const recorder = createRecorder(async (run) => void compressed.push(run));
  async function* source(): AsyncGenerator<Piece> {
    yield bytes('a');
    yield { kind: 'cut' };
    yield* cut('b|c|d');
    yield { kind: 'spare', bytes: Buffer.from('xyz'), key: 'spare' };
  }
  t.is((await collect(source(), recorder)).text, '[a][b][c][d]');
  t.is((await collect(source(), cacheRuns(recorder, noCache, 'recipe'))).text, '[a][b][c][d]');
  t.deepEqual(compressed, ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
});

test('members come in the order of the runs, whichever is ready first, and no more than a few wait', async (t) => {
  const open = new Map<string, () => void>();
  let most = 0;
  const recorder = createRecorder(async (run) => {
    const ready = new Promise<void>((resolve) => open.set(run, resolve));
    most = Math.max(most, open.size);
    // The last one that fits is the first one that is ready.
    if (open.size === recorder.depth + 1) for (const go of [...open.values()].reverse()) go();
    if (run === 'i') for (const go of open.values()) go();
    await ready;
    open.delete(run);
  });
  t.is(await write('a|b|c|d|e|f|g|h|i', recorder), '[a][b][c][d][e][f][g][h][i]');
  t.is(most, recorder.depth + 1);
});

test('a run that fails ends it with its error, the source is closed', async (t) => {
  let closed = false;
  const recorder = createRecorder(async (run) => {
    if (run === 'c') throw new Error('c is no good');
  });
  async function* source(): AsyncGenerator<Piece> {
    try {
      yield* cut('a|b|c|d|e|f|g|h');
    } finally {
      closed = true;
    }
  }
  await t.throwsAsync(
    async () => {
      for await (const _ of writeRuns(source(), { runSize: 1, compressor: recorder }));
    },
    { message: 'c is no good' },
  );
  t.true(closed);
});
