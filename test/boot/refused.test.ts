import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { isSoak, sample } from '../fixtures/soak.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive, encodeEntry, writeTinyImage } from './tiny-image.js';

bootTest('a regular file as /dev/console is refused for its silence', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const init = createInit('echo nobody hears this');
    const image = await writeTinyImage(join(folder, 'image'), init, [{ path: 'dev/console', mode: 0o755 }]);
    // Only a timeout ends this boot, and a busy machine may need longer to start the first program.
    let timeout = 15;
    let result = await boot(image, { timeout });
    while (!(await readFile(result.console, 'utf8')).includes(' as init process')) {
      timeout *= 2;
      result = await boot(image, { timeout });
    }
    t.is(result.verdict, 'refused');
    t.is(result.reached, 'nothing');
    t.regex(result.reason ?? '', new RegExp(`within ${timeout} s; silent since \\d+ s.*regular file`));
    t.true(result.seconds >= timeout);
    t.regex(result.tail.at(-1) ?? '', /^\[/);
  }),
);

bootTest('a directory as /dev/console is refused', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const init = createInit('echo nobody hears this');
    const image = await writeTinyImage(join(folder, 'image'), init, [
      { path: 'dev/console', type: 'directory', mode: 0o755 },
    ]);
    const result = await boot(image);
    t.is(result.verdict, 'refused');
    t.regex(result.reason ?? '', /dev\/console exists but cannot be opened/);
  }),
);

const cannotRun = /first program of the image cannot be run/;

/** A line of the console stands for each in `console-rules.unit.test.ts`; a sample is booted again. */
const programs: readonly (readonly [title: string, init: string | undefined, reason: RegExp])[] = [
  ['no /init', undefined, cannotRun],
  ['an /init without an interpreter line', 'echo hello\n', cannotRun],
  ['an /init with a carriage return', '#!/bin/sh\r\necho hello\n', cannotRun],
  ['an /init that ends', '#!/bin/sh\necho bye\n', /ended, which is a panic/],
];

for (const [title, init, reason] of sample(programs, 2)) {
  bootTest(`${title} is refused`, (t) =>
    withBench(t, async ({ folder, boot }) => {
      const result = await boot(await writeTinyImage(join(folder, 'image'), init));
      t.is(result.verdict, 'refused');
      t.regex(result.reason ?? '', reason);
      t.regex(await readFile(result.console, 'utf8'), /Kernel panic/);
    }),
  );
}

bootTest('a truncated last segment is refused although the guest would run', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = join(folder, 'image');
    const first = gzipSync(await createTinyArchive(createInit('echo it runs')), { level: 1 });
    const second = gzipSync(encodeEntry({ path: 'etc/lost', body: 'x'.repeat(5000) }));
    const gap = Buffer.alloc((4 - (first.length % 4)) % 4);
    await writeFile(image, Buffer.concat([first, gap, second.subarray(0, second.length - 20)]));
    const result = await boot(image, { expects: [{ console: 'it runs' }] });
    t.is(result.verdict, 'refused');
    t.regex(result.reason ?? '', /Initramfs unpacking failed/);
  }),
);

bootTest('an image that is too large for the memory is refused', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = await writeTinyImage(join(folder, 'image'), createInit('echo it runs'), [
      { path: 'etc/zeros', body: Buffer.alloc(120 * 1024 * 1024) },
    ]);
    const result = await boot(image, { memory: 192 });
    t.is(result.verdict, 'refused');
    t.regex(result.reason ?? '', /--memory/);
  }),
);

bootTest(
  'a guest that switches itself off is refused, and a marker without the nonce counts for nothing',
  (t) =>
    withBench(t, async ({ folder, boot }) => {
      const forged = `moby-patch-verify ${'0'.repeat(32)} reached default runlevel .`;
      // Nothing in this image starts the probe's service.
      const init = createInit(`echo ${forged}; busybox poweroff -f`);
      const image = await writeTinyImage(join(folder, 'image'), init);
      const result = await boot(image, { expects: [{ console: 'reached default' }] }, { init: 'openrc' });
      t.is(result.verdict, 'refused');
      t.regex(result.reason ?? '', /^the guest ended by itself after/);
      t.is(result.reached, 'nothing');
      t.false(result.expectations[0]?.met);
    }),
);

bootTest('expectations that are not met are refused, each with what was found', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = await writeTinyImage(join(folder, 'image'), createInit('echo one >/etc/made; echo hello'));
    const result = await boot(image, {
      expects: [
        { console: 'hello' },
        { console: 'never printed' },
        { file: 'etc/made', content: 'two\n' },
        { file: 'etc/absent' },
      ],
    });
    t.is(result.verdict, 'refused');
    t.is(result.reached, 'init');
    t.deepEqual(
      result.expectations.map(({ met }) => met),
      [true, false, false, false],
    );
    t.is(result.expectations[2]?.found, 'other content, which starts with "one"');
    t.is(result.expectations[3]?.found, 'nothing at this path');
    t.regex(result.reason ?? '', /never printed.*etc\/made.*etc\/absent/);
  }),
);

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

if (isSoak)
  bootTest('a panic that a busy machine causes is an error', (t) =>
    withBench(t, async ({ folder, boot }) => {
      const panic = "Kernel panic - not syncing: IO-APIC + timer doesn't work!";
      const busy = await writeTinyImage(join(folder, 'busy'), createInit(`echo "${panic}"`));
      await t.throwsAsync(boot(busy), { message: /timer came too late/ });
    }),
  );
