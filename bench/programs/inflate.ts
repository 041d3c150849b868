// node inflate.js FILE: the least that reading a gzip file takes here: zlib alone, in large pieces.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const [file = ''] = process.argv.slice(2);
createReadStream(file, { highWaterMark: 256 * 1024 })
  .pipe(createGunzip({ chunkSize: 256 * 1024 }))
  .resume();
