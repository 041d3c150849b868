import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { chooseSettings, readMember, writeMembers } from '#src/compress/compression.js';
import { createPieces, type Piece } from '#src/compress/piece.js';
import { runFilter } from '#src/compress/run-filter.js';
import { openInputFile } from '#src/io/file/input-file.js';
import { openImage } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, file, signal } from '../fixtures/archive.js';
import {
  codecs,
  createData,
  findMissingCodec,
  type PackedCodec,
  pack,
  programs,
} from '../fixtures/codecs.js';
import { declareSerialTest } from '../fixtures/needs.js';

const data = createData(3_000_000);
const packedCodecs = codecs.filter((codec) => codec !== 'gzip');
let pids = '';

/** Programs found in this folder write down their process ids and then become the real ones. */
test.before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  pids = join(folder, 'pids');
  const script = `#!/bin/sh\necho $$ >>'${pids}'\nPATH='${process.env.PATH}'\nexec "\${0##*/}" "$@"\n`;
  for (const { name } of Object.values(programs)) {
    await writeFile(join(folder, name), script);
    await chmod(join(folder, name), 0o755);
  }
  process.env.PATH = `${folder}:${process.env.PATH}`;
});

test.after.always(() => rm(dirname(pids), { recursive: true, force: true }));

/** Runs something that starts programs, and says that none of them is there any more. */
async function withoutChildren(t: ExecutionContext, work: () => Promise<unknown>): Promise<void> {
  await writeFile(pids, '');
  await work();
  const started = (await readFile(pids, 'utf8')).split('\n').filter(Boolean).map(Number);
  t.true(started.length > 0, 'a program was started');
  for (const pid of started) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, `process ${pid}`);
}

async function* endless() {
  for (;;) yield data;
}

/** Runs one after another: the process ids are written to one file. */
function serially(
  needed: readonly PackedCodec[],
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
): void {
  declareSerialTest(findMissingCodec(...needed), title, body);
}

for (const codec of packedCodecs) {
  serially([codec], `${codec}: who stops early leaves no program behind`, async (t) => {
    const path = join(await createTestFolder(t), 'image');
    await writeFile(path, pack(codec, data, '-1'));
    const stop = async () => {
      await using input = await openInputFile(path);
      const member = readMember(input, { codec, offset: 0 });
      t.false((await member.next()).done);
      await member.return(undefined as never);
    };
    // zstd is read without a program.
    await (codec === 'zstd' ? stop() : withoutChildren(t, stop));
    await withoutChildren(t, async () => {
      let size = 0;
      for await (const piece of writeMembers(createPieces(endless()), {
        ...chooseSettings({ codec }, 1),
        codec,
      })) {
        size += piece.length;
        break;
      }
      t.true(size > 0);
    });
  });

  serially(
    [codec],
    `${codec}: a source that fails ends the program, and its error is the one told`,
    async (t) => {
      let closed = false;
      async function* broken(): AsyncGenerator<Piece> {
        try {
          yield { kind: 'bytes', bytes: data };
          // Some codecs start their program for a whole run.
          yield { kind: 'cut' };
          yield { kind: 'bytes', bytes: data };
          while ((await readFile(pids, 'utf8')) === '') await new Promise(setImmediate);
          throw new Error('the disk is gone');
        } finally {
          closed = true;
        }
      }
      await withoutChildren(t, () =>
        t.throwsAsync(
          async () => {
            for await (const _ of writeMembers(broken(), { ...chooseSettings({ codec }, 1), codec }));
          },
          { message: 'the disk is gone' },
        ),
      );
      t.true(closed);
    },
  );

  serially([codec], `${codec}: an abort and a limit end the program`, async (t) => {
    const path = join(await createTestFolder(t), 'image');
    await writeFile(
      path,
      pack(codec, createArchive([file('a', data.toString('latin1')), file('b', 'x')]), '-1'),
    );
    const exceed = () =>
      t.throwsAsync(openImage(path, { signal, limits: { unpacked: 100_000 } }), { code: 'image-too-large' });
    if (codec === 'zstd') {
      // Read without a program.
      await exceed();
      return;
    }
    await withoutChildren(t, exceed);
    const controller = new AbortController();
    await withoutChildren(t, async () => {
      const opening = openImage(path, { signal: controller.signal });
      while ((await readFile(pids, 'utf8')) === '') await new Promise(setImmediate);
      controller.abort(new Error('stop'));
      await opening.then(
        (image) => image[Symbol.asyncDispose](),
        (error) => t.is(error.message, 'stop'),
      );
    });
  });
}

serially(['xz'], 'a program that does nothing is given up', async (t) => {
  const filter = {
    argv: ['sleep', '100'],
    package: 'coreutils',
    patience: 0.3,
    failure: () => new Error(),
  } as const;
  const stalled = async () => {
    for await (const _ of runFilter(filter, endless()));
  };
  await t.throwsAsync(stalled, {
    code: 'program-stalled',
    message: /sleep neither read nor wrote a byte for 0.3 s/,
  });
});

serially(['xz'], 'a slow source and a slow reader are no stall', async (t) => {
  const filter = { argv: ['cat'], package: 'coreutils', patience: 0.2, failure: () => new Error() } as const;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 500));
  async function* slow() {
    yield Buffer.from('one');
    await pause();
    yield Buffer.from('two');
  }
  let text = '';
  for await (const piece of runFilter(filter, slow())) {
    await pause();
    text += Buffer.from(piece).toString();
  }
  t.is(text, 'onetwo');
});

serially(['xz'], 'a program that is killed is told as such', async (t) => {
  const failure = () => new Error();
  const killed = async () => {
    const filter = { argv: ['sh', '-c', 'kill -9 $$'], package: 'dash', failure } as const;
    for await (const _ of runFilter(filter, endless()));
  };
  await t.throwsAsync(killed, { code: 'command-killed', message: 'sh was killed by SIGKILL' });
});
