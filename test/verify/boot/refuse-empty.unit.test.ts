import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Expectation } from '#src/model/result/expectation.js';
import { refuseEmpty } from '#src/verify/boot/judge/refuse-empty.js';
import { assertRoom } from '#src/verify/boot/machine/cmdline-room.js';
import { createFolder } from '../../patch/support/patch-folder.js';

test('an expectation without a text is refused, since every boot would meet it', (t) => {
  const code = 'expectation-empty';
  const empty: readonly [Expectation, RegExp][] = [
    [{ console: '' }, /^found an empty console among what the boot must show, which/],
    [{ file: '' }, /empty file among/],
    [{ service: '', patch: 'ssh' }, /empty service among what the boot must show of ssh/],
    [{ mount: '/x', type: '' }, /empty type in an expectation of a mount/],
    [{ command: '' }, /empty command/],
    [{ command: 'true', output: '' }, /empty output in an expectation of a command/],
    [{ port: 22, answer: '' }, /empty answer/],
  ];
  for (const [expectation, message] of empty) t.throws(() => refuseEmpty(expectation), { code, message });
  for (const expectation of [{ file: 'a', content: '' }, { port: 22, send: '' }, { within: 3 }])
    t.notThrows(() => refuseEmpty(expectation));
});

test('a command line that the kernel has no room for is refused', async (t) => {
  const header = Buffer.alloc(1024);
  header.write('HdrS', 0x202);
  header.writeUInt16LE(0x20f, 0x206);
  header.writeUInt32LE(100, 0x238);
  const folder = await createFolder(t, { short: 'x' });
  const bzImage = join(folder, 'bzImage');
  await writeFile(bzImage, header);
  await t.notThrowsAsync(assertRoom(bzImage, 'x'.repeat(100)));
  const code = 'boot-impossible';
  await t.throwsAsync(assertRoom(bzImage, 'x'.repeat(101)), { code, message: /101 bytes.*takes 100$/ });
  await t.notThrowsAsync(assertRoom(join(folder, 'short'), 'x'.repeat(2047)));
  await t.throwsAsync(assertRoom(join(folder, 'short'), 'ü'.repeat(1024)), { code, message: /2048/ });
});
