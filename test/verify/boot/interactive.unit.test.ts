import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { runInteractive } from '#src/verify/boot/interactive.js';
import { createTestFolder } from '../../fixtures/archive.js';

test('what a guest writes to its disks goes to the folder that is watched', async (t) => {
  const folder = await createTestFolder(t);
  const { signal } = new AbortController();
  const write = ['sh', '-c', 'printf %s "$TMPDIR" >"$TMPDIR/seen"; exit 3'];
  t.is(await runInteractive(write, { signal, folder }), 3);
  t.is(await readFile(join(folder, 'seen'), 'utf8'), folder);
});

test('a guest that is ended by an abort is no guest that ended well', async (t) => {
  const full = new MobyPatchError('infrastructure', 'disk-full', 'full');
  // As QEMU does.
  const end = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'];
  const running = runInteractive(end, { signal: AbortSignal.abort(full), folder: await createTestFolder(t) });
  t.is(await t.throwsAsync(running), full);
});
