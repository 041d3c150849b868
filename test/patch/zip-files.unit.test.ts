import { crc32 } from 'node:zlib';
import test from 'ava';
import { readZip } from '#src/patch/system/archives/zip-files.js';

/** A zip with one stored file, whose external attributes are `attributes`. */
function createZip(name: string, content: string, attributes: number): Buffer {
  const [title, body] = [Buffer.from(name), Buffer.from(content)];
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50);
  local.writeUInt16LE(title.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50);
  entry.writeUInt8(3, 5);
  entry.writeUInt32LE(crc32(body), 16);
  entry.writeUInt32LE(body.length, 20);
  entry.writeUInt32LE(body.length, 24);
  entry.writeUInt16LE(title.length, 28);
  entry.writeUInt16LE(attributes, 40);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + title.length + body.length, 16);
  return Buffer.concat([local, title, body, entry, title, end]);
}

test('a file of a zip that has permissions but no type is a regular file', (t) => {
  const [file] = readZip(createZip('plain.txt', 'x', 0o600));
  t.like(file, { path: 'plain.txt', type: 'file', mode: 0o600 });
  t.like(readZip(createZip('link', 'target', 0o120777))[0], { type: 'symlink', target: 'target' });
  t.throws(() => readZip(createZip('fifo', '', 0o010644)));
});
