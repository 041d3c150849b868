import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { openImage } from '#src/unpack/open-image.js';
import { detectInit } from '#src/verify/boot/probe/detect-init.js';
import { findInstaller } from '../fixtures/images/kernel.js';
import { findReference } from '../fixtures/images/reference.js';
import { findMissingProgram, notRoot } from '../fixtures/needs.js';
import { isSoak } from '../fixtures/soak.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { encodeEntry, writeTinyImage } from './tiny-image.js';

const installer = await findInstaller();
const noInstaller = typeof installer === 'string' ? installer : undefined;
const noReference = notRoot ?? findMissingProgram('debootstrap', 'depmod');

bootTest('a guest that shows everything passes, and the image itself is not touched', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const init = createInit(
      "[ -e /dev/null ] || echo no null\necho hello from init\nprintf 'two\\nlines '\"'\"'\\n\\n' >/etc/made",
    );
    const image = await writeTinyImage(join(folder, 'image'), init, [{ path: 'etc/$(reboot)', body: '' }]);
    const before = await readFile(image);
    await using archive = await openImage(image, { signal: new AbortController().signal });
    const expects = [
      { console: '^hello from i' },
      { console: '^no null$' },
      { file: 'etc/made', content: "two\nlines '\n\n" },
      { file: '/etc/$(reboot)' },
    ];
    const result = await boot(image, { expects, attest: true }, { archive });
    t.is(result.reason, undefined);
    t.is(result.verdict, 'passed');
    t.is(result.reached, 'init');
    t.deepEqual(result.tail, []);
    t.deepEqual(result.attestation?.differences, []);
    t.true(archive.entries.size <= (result.attestation?.paths ?? 0));
    t.regex(result.expectations[0]?.found ?? '', /^hello from init \(after \d+\.\d s\)$/);
    t.true(before.equals(await readFile(image)));
    t.regex(await readFile(result.console, 'utf8'), /^hello from init$/m);
    t.log(`${result.seconds.toFixed(1)} s`);
  }),
);

bootTest(
  'a first program named on the command line runs, and the watcher follows it into another root',
  (t) =>
    withBench(t, async ({ folder, boot }) => {
      const moved =
        '#!/bin/sh\nmount -t proc proc /proc\necho moved >/etc/moved\necho in the new root\nwhile :; do sleep 1000; done\n';
      const first =
        '#!/bin/sh\nexport PATH=/bin\necho first with $1\nmount -t tmpfs tmpfs /mnt\ncp -a /bin /dev /proc /etc /moved /mnt\nexec switch_root /mnt /moved\n';
      // switch_root of busybox wants a file /init, which nothing runs here.
      const image = await writeTinyImage(join(folder, 'image'), '#!/bin/sh\nexit 1\n', [
        { path: 'etc/first', mode: 0o755, body: first },
        { path: 'moved', mode: 0o755, body: moved },
      ]);
      const result = await boot(image, {
        cmdline: 'rdinit=/etc/first quiet -- word',
        expects: [
          { console: '^first with word$' },
          { console: 'in the new root' },
          { file: 'etc/moved', content: 'moved\n' },
        ],
      });
      t.is(result.reason, undefined);
      t.is(result.verdict, 'passed');
    }),
);

bootTest('an image without a shell is judged by its console alone', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const image = await writeTinyImage(
      join(folder, 'image'),
      createInit('echo ready\necho -n "your name? "'),
    );
    const result = await boot(
      image,
      { expects: [{ console: '^ready$' }, { console: 'name\\?$' }] },
      { init: 'none' },
    );
    t.is(result.verdict, 'passed');
    t.is(result.reached, 'nothing');
    await t.throwsAsync(boot(image, {}, { init: 'none' }), { message: /no \/bin\/sh/ });
  }),
);

// Patched, `build/reference.test.ts` and `docs/transcripts.test.ts` boot the same images in every run.
if (isSoak) {
  bootTest(
    "the initrd of Debian's installer boots with a segment appended to it",
    (t) =>
      withBench(t, async ({ folder, boot }) => {
        if (typeof installer === 'string') throw new Error(installer);
        const image = join(folder, 'image');
        const appended = [encodeEntry({ path: 'etc/appended', body: 'by a test\n' }), encodeTrailer()];
        const original = await readFile(installer.initrd);
        const gap = Buffer.alloc((4 - (original.length % 4)) % 4);
        await writeFile(image, Buffer.concat([original, gap, gzipSync(Buffer.concat(appended))]));
        const result = await boot(image, {
          kernel: installer.kernel,
          memory: 1024,
          expects: [{ file: 'etc/appended', content: 'by a test\n' }, { file: 'bin/busybox' }],
        });
        t.is(result.reason, undefined);
        t.is(result.verdict, 'passed');
        t.log(`${result.seconds.toFixed(1)} s`);
      }),
    noInstaller,
  );

  bootTest(
    "the reference image reaches the end of OpenRC's default runlevel",
    (t) =>
      withBench(t, async ({ boot }) => {
        const { initrd, kernel } = await findReference(t);
        const result = await boot(
          initrd,
          {
            kernel,
            memory: 1024,
            expects: [
              { console: '^docker: started' },
              { file: 'run/docker.started' },
              { file: 'etc/hostname', content: 'moby' },
            ],
          },
          { init: 'openrc' },
        );
        t.is(result.reason, undefined);
        t.is(result.reached, 'default runlevel');
        t.log(`${result.seconds.toFixed(1)} s`);
      }),
    noReference,
  );

  bootTest(
    'the reference image reaches the end of the runlevel that its command line asks for',
    (t) =>
      withBench(t, async ({ boot }) => {
        const { initrd, kernel } = await findReference(t);
        await using archive = await openImage(initrd, { signal: new AbortController().signal });
        const options = { init: 'openrc', archive } as const;
        const wanted = {
          kernel,
          memory: 1024,
          expects: [{ command: 'rc-status -r', output: '^nonetwork$' }],
        };
        const result = await boot(initrd, { ...wanted, cmdline: 'softlevel=nonetwork' }, options);
        t.is(result.reason, undefined);
        t.like(result, { reached: 'runlevel', runlevel: 'nonetwork' });
        t.true(result.stages.some(({ line }) => line === "OpenRC's runlevel nonetwork"));
      }),
    noReference,
  );
}

test('the init system is known from the entries', (t) => {
  const entry = (path: string, type: 'file' | 'directory' | 'symlink', target?: string) =>
    [
      path,
      { path, type, mode: 0o755, uid: 0, gid: 0, mtime: 0, size: 0, target, body: async function* () {} },
    ] as const;
  const shell = [
    entry('bin', 'symlink', 'usr/bin'),
    entry('usr/bin/sh', 'symlink', '/usr/bin/dash'),
    entry('usr/bin/dash', 'file'),
  ];
  const openrc = [
    entry('sbin/openrc-run', 'file'),
    entry('etc/init.d', 'directory'),
    entry('etc/runlevels/default', 'directory'),
  ];
  t.is(detectInit(new Map(openrc)), 'none');
  t.is(detectInit(new Map(shell)), 'other');
  t.is(detectInit(new Map([...shell, ...openrc])), 'openrc');
});
