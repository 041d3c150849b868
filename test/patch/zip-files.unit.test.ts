import { crc32 } from 'node:zlib';
import test from 'ava';
import { encodePath } from '#src/format/path.js';
import { readZip } from '#src/patch/system/archives/zip-files.js';

/** A zip with one stored file, whose external attributes are `attributes`. */
function createZip(name: string | Buffer, content: string, attributes: number): Buffer {
  const [title, body] = [Buffer.from(name as string), Buffer.from(content)];
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

test('a file of a zip that has permissions but no type is a regular file', async (t) => {
  const [file] = await readZip(createZip('plain.txt', 'x', 0o600));
  t.like(file, { path: 'plain.txt', type: 'file', mode: 0o600 });
  t.like((await readZip(createZip('link', 'target', 0o120777)))[0], { type: 'symlink', target: 'target' });
  await t.throwsAsync(readZip(createZip('fifo', '', 0o010644)));
});

test('a name of a zip that is not UTF-8 keeps its bytes', async (t) => {
  const name = Buffer.from([0x61, 0xff]);
  const [file] = await readZip(createZip(name, 'x', 0o600));
  t.deepEqual(Buffer.from(encodePath(file?.path ?? '')), name);
});
