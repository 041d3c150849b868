import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

bootTest('an abort ends the guest', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = await writeTinyImage(join(folder, 'image'), createInit('echo hello'));
    const controller = new AbortController();
    const console = join(folder, 'console.log');
    const request = { expects: [{ console: 'never' }], console };
    const refused = t.throwsAsync(boot(image, request, { signal: controller.signal }), {
      message: /interrupted/,
    });
    const read = () => readFile(console, 'utf8').catch(() => '');
    // Whatever it says first: what ends a guest does not ask how far it came.
    while ((await read()) === '') await setTimeout(50);
    controller.abort();
    await refused;
  }),
);

bootTest('what is no fault of the image is an error', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = await writeTinyImage(join(folder, 'image'), createInit('echo hello'));
    await t.throwsAsync(boot(image, { kernel: image }), { message: /no Linux kernel/ });
    await t.throwsAsync(boot(image, { kernel: join(folder, 'absent') }), { message: /ENOENT/ });
    await t.throwsAsync(boot(join(folder, 'absent')), { message: /ENOENT/ });
    await t.throwsAsync(boot(image, { memory: 1 }), { message: /QEMU ended/ });
    await t.throwsAsync(boot(image, { expects: [{ console: '(' }] }), { message: /no regular expression/ });
  }),
);
