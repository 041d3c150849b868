import test from 'ava';
import { createSpare, entryBoundary } from '#src/compress/marks.js';
import { type RunCompressor, writeRuns } from '#src/compress/runs.js';

/** Members that tell what went into them: `[ab]` was held, `<abcdef>` was streamed. */
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

async function* cut(text: string): AsyncGenerator<Uint8Array> {
  for (const piece of text.split(/(\|)/)) {
    if (piece === '|') yield entryBoundary;
    else for (const byte of Buffer.from(piece)) yield Buffer.of(byte);
  }
}

async function write(text: string, compressor: RunCompressor): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeRuns(cut(text), compressor)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

for (const [source, wanted] of [
  ['', '[]'],
  ['ab', '[ab]'],
  ['ab|cd|e', '[ab][cd][e]'],
  ['||ab||', '[ab]'],
  ['abcd|e', '[abcd][e]'],
  ['ab|cdefgh|ij', '[ab]<cdefgh>[ij]'],
  ['abcdefgh', '<abcdefgh>'],
] as const) {
  test(`"${source}" becomes ${wanted}`, async (t) => {
    t.is(await write(source, createRecorder()), wanted);
  });
}

test('a run that is only to be kept is compressed and not written, wherever it stands', async (t) => {
  const keys: (string | undefined)[] = [];
  const recorder = createRecorder();
  const compressor: RunCompressor = {
    ...recorder,
    compress(run, key) {
      keys.push(key);
      return recorder.compress(run, key);
    },
  };
  async function* source() {
    yield Buffer.from('a');
    yield createSpare({ bytes: Buffer.from('xyz'), key: 'spare' });
    yield Buffer.from('b');
    yield entryBoundary;
    yield createSpare({ bytes: Buffer.from('uvw'), key: 'other' });
    yield Buffer.from('cdefg');
    yield createSpare({ bytes: Buffer.from('rst'), key: 'too late' });
    yield Buffer.from('h');
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of writeRuns(source(), compressor)) pieces.push(piece);
  t.is(Buffer.concat(pieces).toString(), '[ab]<cdefgh>');
  t.deepEqual(keys, ['spare', undefined, 'other']);
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
  async function* source() {
    try {
      yield* cut('a|b|c|d|e|f|g|h');
    } finally {
      closed = true;
    }
  }
  await t.throwsAsync(
    async () => {
      for await (const _ of writeRuns(source(), recorder));
    },
    { message: 'c is no good' },
  );
  t.true(closed);
});
