import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { findImage } from '#src/catalog/find-image.js';
import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { runShell } from './measure.js';

/** Images of other people's making, and a large generated one. */
export interface Inputs {
  readonly text: string;
  readonly gtk: string;
  readonly reference: string;
  /** 1 GiB before compression: 20,000 files of 50 KiB. */
  readonly large: string;
}

const installer = 'debian-installer-12-netboot-amd64';

export async function prepareInputs(folder: string): Promise<Inputs> {
  await mkdir(folder, { recursive: true });
  const packages = join(folder, installer);
  const images = join(packages, 'usr/lib/debian-installer/images/12/amd64');
  if (!(await exists(images)))
    await runShell(`apt-get download -q ${installer} && dpkg -x ${installer}_*.deb ${installer}`, {
      folder,
      environment: {},
    });
  const large = join(folder, 'large.img');
  if (!(await exists(large))) await writeLarge(folder);
  return {
    text: join(images, 'text/debian-installer/amd64/initrd.gz'),
    gtk: join(images, 'gtk/debian-installer/amd64/initrd.gz'),
    reference: await findReference(),
    large,
  };
}

async function findReference(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const { initrd } = await findImage('reference', {
    roots: [resolve('images')],
    home: homedir(),
    folder: resolve('.'),
    cache: join(cache, 'moby-patch/images'),
    signal: new AbortController().signal,
    log: (line) => console.error(line),
  });
  return initrd;
}

const fileCount = 20_000;
const fileSize = 50 * 1024;

async function writeLarge(folder: string): Promise<void> {
  const raw = join(folder, 'large.cpio');
  await pipeline(Readable.from(generateArchive(), { objectMode: false }), createWriteStream(raw));
  await runShell('gzip -n -6 < large.cpio > large.img && rm large.cpio', { folder, environment: {} });
}

function* generateArchive(): Generator<Uint8Array> {
  yield encodeRecord({ mode: 0o40755, nlink: 2, ino: 1 }, Buffer.from('.'));
  yield encodeRecord({ mode: 0o100755, ino: 2, filesize: 9 }, Buffer.from('init'));
  yield Buffer.from('#!/bin/sh');
  yield encodePadding(9);
  const random = createRandom();
  for (let index = 0; index < fileCount; index += 1) {
    yield encodeRecord(
      { mode: 0o100644, ino: 3 + index, filesize: fileSize, mtime: 1 },
      Buffer.from(`file-${index}`),
    );
    yield generateText(random);
    yield encodePadding(fileSize);
  }
  yield encodeTrailer();
}

/** Words of a small vocabulary, which deflate reduces to a third, as it does a root file system. */
function generateText(random: () => number): Uint8Array {
  const bytes = Buffer.alloc(fileSize);
  for (let at = 0; at < fileSize; ) {
    const word = random() % 5000;
    at += bytes.write(`${(word * 2654435761).toString(36)} `, at, 'latin1');
  }
  return bytes;
}

/** xorshift32, for the same file on every machine. */
function createRandom(): () => number {
  let state = 2463534242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
