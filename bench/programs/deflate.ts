// node deflate.js FILE LEVEL OUTPUT: the least that compressing a file takes with our compressor: runs of 1 MiB in all
// threads, without reading entries and without checks.
import { readFile, writeFile } from 'node:fs/promises';
import { createDeflatePool } from '#src/compress/gzip/writer.js';

const [file = '', level = '', output = ''] = process.argv.slice(2);
const runSize = 2 ** 20;
const header = Buffer.from('1f8b0800000000000203', 'hex');

await using pool = createDeflatePool();
const bytes = await readFile(file);
const starts = Array.from({ length: Math.ceil(bytes.length / runSize) }, (_, index) => index * runSize);
const members = await Promise.all(
  starts.map(async (start) => {
    const run = bytes.subarray(start, start + runSize);
    const { length } = run;
    const trailer = Buffer.alloc(8);
    const { bytes: deflated, checksum } = await pool.deflate({
      bytes: new Uint8Array(run),
      level: Number(level),
    });
    trailer.writeUInt32LE(checksum, 0);
    trailer.writeUInt32LE(length, 4);
    return [header, deflated, trailer];
  }),
);
await writeFile(output, members.flat());
