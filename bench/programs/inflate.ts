// node inflate.js FILE: what reading a gzip file takes at least here: zlib with its handle called in place.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const [file = ''] = process.argv.slice(2);
createReadStream(file, { highWaterMark: 256 * 1024 })
  .pipe(createGunzip({ chunkSize: 256 * 1024 }))
  .resume();
