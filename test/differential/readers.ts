import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { runProgram } from '../fixtures/codecs.js';
import { busybox } from '../fixtures/images/busybox.js';

/** Programs that nobody here wrote, each reading a raw archive from its standard input into the folder it runs in. */
export const readers = {
  'GNU cpio': ['cpio', '-i', '-d', '-m', '--quiet', '--no-absolute-filenames'],
  'busybox cpio': [busybox, 'cpio', '-i', '-d', '-m'],
  bsdtar: ['bsdtar', '-x', '-p', '-f', '-', '--numeric-owner'],
} as const satisfies Record<string, readonly string[]>;

export type Reader = keyof typeof readers;

/** Unpacks raw archives one over the other, as a kernel does. */
export async function readInto(
  folder: string,
  reader: Reader,
  archives: readonly Uint8Array[],
): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  const [program, ...argv] = readers[reader];
  for (const input of archives) {
    // They end with a complaint at each device or time that this file system refuses.
    const { status, stderr } = spawnSync(program, argv, { input, cwd: folder, maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(`${reader}: ${stderr}`);
  }
}

const magics: readonly [string, readonly string[]][] = [
  ['28b52ffd', ['zstd', '-dcq']],
  ['fd377a58', ['xz', '-dc']],
];

/**
 * The raw archives of an image, found with the programs of its codecs and with zlib: a raw one ends with its
 * TRAILER, gzip where zlib says, and what another program compressed is the last.
 */
export function splitImage(bytes: Buffer): Buffer[] {
  const archives: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 0) at += 1;
    else if (bytes.subarray(at, at + 6).toString() === '070701') {
      const name = bytes.indexOf('TRAILER!!!\0', at);
      const end = name + 11 + ((4 - ((name + 11 - at) % 4)) % 4);
      archives.push(bytes.subarray(at, end));
      at = end;
    } else if (bytes[at] === 0x1f) {
      const { unpacked, end } = inflateMembers(bytes, at);
      archives.push(unpacked);
      at = end;
    } else {
      const magic = bytes.subarray(at, at + 4).toString('hex');
      const [, [program = '', ...argv] = []] = magics.find(([known]) => known === magic) ?? [];
      archives.push(runProgram(program, argv, bytes.subarray(at)));
      return archives;
    }
  }
  return archives;
}

/** Members up to a TRAILER, or to zeros between them. */
function inflateMembers(bytes: Buffer, start: number): { unpacked: Buffer; end: number } {
  const parts: Buffer[] = [];
  let at = start;
  while (bytes[at] === 0x1f) {
    const { buffer, engine } = gunzipSync(bytes.subarray(at), { info: true } as never) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    parts.push(buffer);
    at += engine.bytesWritten;
  }
  return { unpacked: Buffer.concat(parts), end: at };
}
