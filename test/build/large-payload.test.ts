import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { createPlan } from '#src/patch/plan.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { runMoby } from '../fixtures/images/moby.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { chooseRuns, sampleBy } from '../fixtures/soak.js';

const mebibyte = 2 ** 20;
/** Of the image that an installer boots with all packages in it: 2.3 GB. */
const size = chooseRuns(256 * mebibyte, 2_469_606_195);
/** MiB: less than the file has. Measured: 112 to 133 for 400 MiB, 180 to 215 for 2.3 GB. */
const most = 250;
const tell = `import { readPeak } from ${JSON.stringify(import.meta.resolve('../fixtures/peak.js'))};
process.on('exit', () => console.error('peak', readPeak()));
`;

let daemon: TestDaemon | undefined;
test.after.always(() => daemon?.[Symbol.asyncDispose]());

const engines: readonly [string, string | undefined, readonly string[]][] = [
  ['stream', noBusybox, []],
  ['local', noNamespaces ?? noBusybox, ['--engine', 'local']],
  ['docker', noDocker ?? noBusybox, ['--engine', 'docker']],
];

for (const [engine, missing, args] of sampleBy(engines, ([name]) => name !== 'docker'))
  declareSerialTest(
    missing,
    `${engine}: a large file goes into an image without being in memory`,
    async (t) => {
      const folder = await createTestFolder(t);
      if (engine === 'docker') daemon ??= await startDockerd();
      await writePatch(folder, args.length > 0);
      await writeFile(join(folder, 'tell.mjs'), tell);
      const digest = await writeNoise(join(folder, 'large/root.iso'));
      const env = { path: 'bin/env', type: 'symlink', body: 'busybox' } as const;
      await writeTinyImage(join(folder, 'in.img'), '#!/bin/sh\n', [env]);
      const argv = [
        'build',
        '-q',
        '-i',
        'in.img',
        '-p',
        './large',
        '--no-verify',
        '--compression',
        'none',
        '-o',
        'out.img',
      ];
      const { code, stderr } = await runMoby([...argv, ...args], {
        folder,
        environment: { ...daemon?.environment, NODE_OPTIONS: `--import=${join(folder, 'tell.mjs')}` },
      });
      t.is(code, 0, stderr);
      const peak = Number(/^peak ([\d.]+)$/m.exec(stderr)?.[1]);
      t.log(`${Math.round(peak)} MiB`);
      t.true(peak < most, `${peak} MiB`);
      t.is(await digestEntry(folder), digest);
      await rm(join(folder, 'out.img'));
    },
  );

test('a file that was changed behind the plan is refused', async (t) => {
  const folder = await createTestFolder(t);
  await writePatch(folder, false);
  const path = join(folder, 'large/root.iso');
  await writeFile(path, Buffer.alloc(2 * mebibyte, 1));
  const { steps } = await createPlan({
    patches: [await loadPatch(join(folder, 'large'))],
    settings: {},
    image: '',
    stamp: 0,
  });
  const content = steps[0]?.payload.get('root.iso');
  t.is(content?.size, 2 * mebibyte);
  t.is(
    content?.sha256,
    createHash('sha256')
      .update(Buffer.alloc(2 * mebibyte, 1))
      .digest('hex'),
  );
  let read = 0;
  for await (const piece of content?.body() ?? []) read += piece.length;
  t.is(read, 2 * mebibyte);
  await writeFile(path, Buffer.alloc(2 * mebibyte, 2));
  const again = async () => {
    for await (const _ of content?.body() ?? []);
  };
  await t.throwsAsync(again, { code: 'payload-changed' });
});

test('a file that no newc archive can hold is refused before the image is read', async (t) => {
  const folder = await createTestFolder(t);
  await writePatch(folder, false);
  await truncate(join(folder, 'large/root.iso'), 2 ** 32);
  await writeFile(join(folder, 'in.img'), '');
  const argv = ['check', join(folder, 'large')];
  const { code, stderr } = await callMoby(argv, folder, {});
  t.is(code, 2);
  t.regex(
    stderr,
    /root\.iso with 4294967296 bytes, wanted at most 4294967295 \(a newc archive holds no larger file\)/,
  );
});

async function writePatch(folder: string, runs: boolean): Promise<void> {
  await mkdir(join(folder, 'large'));
  const run = runs ? '  - run: "ls -l /live > /etc/list"\n' : '';
  const text = `title: An image in the image\nsteps:\n  - file: {path: live/root.iso, from: root.iso}\n${run}`;
  await writeFile(join(folder, 'large/patch.yaml'), text);
  await writeFile(join(folder, 'large/root.iso'), '');
}

/** What looks like random bytes and is the same each time; its digest. */
async function writeNoise(path: string): Promise<string> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(mebibyte);
  await using file = await open(path, 'w');
  for (let at = 0; at < size; at += zeros.length) {
    const piece = cipher.update(zeros.subarray(0, Math.min(zeros.length, size - at)));
    hash.update(piece);
    await file.appendFile(piece);
  }
  return hash.digest('hex');
}

/** Of the file in the output, found without the program: the archive is not compressed, and the body begins at its name. */
async function digestEntry(folder: string): Promise<string> {
  const name = Buffer.from('live/root.iso\0');
  let at = 0;
  let start = -1;
  for await (const piece of createReadStream(join(folder, 'out.img'), { highWaterMark: 16 * mebibyte })) {
    const found = (piece as Buffer).indexOf(name);
    if (found >= 0) start = at + found;
    if (start >= 0) break;
    at += piece.length;
  }
  const body = start + name.length + ((4 - ((110 + name.length) % 4)) % 4);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(join(folder, 'out.img'), { start: body, end: body + size - 1 }))
    hash.update(piece);
  return hash.digest('hex');
}
