import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { watchOutput } from '#src/wrapper/iso/watch-output.js';
import { writeWithXorriso } from '#src/wrapper/iso/xorriso.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { holdFile, sketchIso } from './sketches.js';

const request = { program: 'xorriso', name: 'v.iso', hint: 'h', limit: 100, patience: 1, signal };

/** What ends the program. */
async function waitForReason(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return signal.reason;
}

test('a program whose output does not grow is ended', async (t) => {
  const path = join(await createTestFolder(t), 'new');
  using watch = watchOutput({ ...request, path });
  const error = await waitForReason(watch.signal);
  t.like(error, { code: 'wrapper-program', message: 'xorriso wrote nothing for 1 s and was ended' });
});

test('a program whose output grows without end is ended', async (t) => {
  const path = join(await createTestFolder(t), 'new');
  await writeFile(path, Buffer.alloc(100));
  using watch = watchOutput({ ...request, path, patience: 3600 });
  await appendFile(path, 'x');
  const error = await waitForReason(watch.signal);
  t.like(error, { code: 'wrapper-program', message: 'xorriso wrote more than 100 bytes and was ended' });
});

test('an ISO in which xorriso would read for ever, or write without end, does not get to it', async (t) => {
  const files = {
    'a/initrd': Buffer.alloc(9 * 2 ** 20, 'x'),
    ...Object.fromEntries(names.map((name) => [name, name])),
  };
  const looped = sketchIso(files);
  // The directory is in itself.
  const own = looped.readUInt32LE(looped.indexOf('\x01A', 0, 'latin1') - 32 + 2);
  const first = looped.indexOf('INITRD;1') - 33;
  looped.writeUInt32LE(own, first + 2);
  looped[first + 25] = 2;
  looped.writeUInt32LE(2048, first + 10);
  const shared = sketchIso(files);
  for (const [index, name] of names.entries()) {
    const record = shared.indexOf(`${name.toUpperCase()};1`) - 33;
    shared.writeUInt32LE(shared.readUInt32LE(shared.indexOf('INITRD;1') - 33 + 2), record + 2);
    shared.writeUInt32LE(9 * 2 ** 20 - index, record + 10);
  }
  for (const [bytes, found] of [
    [looped, /found a directory that is in several places in \d+ bytes/],
    [shared, /found files of 10\d+ bytes in \d+ bytes/],
  ] as const) {
    const destination = join(await createTestFolder(t), 'new');
    const error = await t.throwsAsync(
      writeWithXorriso({ old: holdFile(bytes), files: [], destination, signal }),
      { code: 'wrapper-invalid' },
    );
    t.regex(error?.message ?? '', found);
  }
});

const names = Array.from({ length: 11 }, (_, index) => `file${index}`);
