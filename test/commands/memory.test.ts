import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import test from 'ava';
import { encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { createTestFolder } from '../fixtures/archive.js';
import { cli } from '../fixtures/images/moby.js';

const mebibyte = 2 ** 20;
const peakModule = JSON.stringify(import.meta.resolve('../fixtures/peak.js'));
const tell = `data:text/javascript,import{readPeak}from${peakModule};process.on('exit',()=>console.error('peak',readPeak()))`;

/** The most memory that a run of the program had, in MiB. */
async function measure(folder: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--import', tell, cli, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  const peak = /^peak ([\d.]+)$/m.exec(said)?.[1];
  if (code !== 0 || peak === undefined) throw new Error(said);
  return Number(peak);
}

/** A raw archive of one file of zeros that takes no room on the disk. */
async function writeSparseImage(path: string, size: number): Promise<void> {
  const names = ['init', 'zeros'].map((name) => Buffer.from(name));
  const [init, zeros] = names as [Buffer, Buffer];
  const head = Buffer.concat([
    encodeRecord({ mode: 0o100755 }, init),
    encodeRecord({ mode: 0o100644, filesize: size }, zeros),
  ]);
  await using handle = await open(path, 'w');
  await handle.write(head);
  await handle.write(encodeTrailer(), 0, undefined, head.length + size);
}

const runs: readonly (readonly [string, readonly string[]])[] = [
  ['inspect', ['inspect', 'image']],
  // A thousandth of its size: what the least of it unpacks to is large.
  ['inspect of a gzip image', ['inspect', 'image.gz']],
  ['a build', ['build', '-i', 'image', '-p', './one', '--no-verify', '-q', '-o', 'out']],
  ['unpack to a tar', ['unpack', 'image', '-o', 'out.tar']],
];

test('the memory of a run does not grow with the image', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'one'));
  await writeFile(
    join(folder, 'one/patch.yaml'),
    'title: One\nsteps:\n  - file: {path: motd, content: hello}\n',
  );
  const peaks = new Map<string, number[]>();
  for (const size of [64, 320]) {
    const path = join(folder, 'image');
    await writeSparseImage(path, size * mebibyte);
    await pipeline(createReadStream(path), createGzip({ level: 1 }), createWriteStream(`${path}.gz`));
    for (const [what, args] of runs) {
      peaks.set(what, [...(peaks.get(what) ?? []), await measure(folder, args)]);
      await rm(join(folder, 'out'), { force: true });
      await rm(join(folder, 'out.tar'), { force: true });
    }
  }
  for (const [what, [small = 0, large = 0]] of peaks) {
    t.log(`${what}: ${small.toFixed(0)} MiB for 64 MiB, ${large.toFixed(0)} MiB for 320 MiB`);
    // What was held of the output would be 256 MiB more; a third of that is for when garbage is looked for.
    t.true(large - small < 96, what);
    t.true(large < 250, what);
  }
});
