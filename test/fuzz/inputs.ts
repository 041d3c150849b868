import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { decodePath } from '#src/format/path.js';
import { createRecordLine, encodeLine } from '#src/format/sidecar.js';
import type { Codec } from '#src/model/image/layout.js';
import { readEntries, type TarRecord } from '#src/tar/tar-reader.js';
import { packEntries } from '#src/tar/tar-writer.js';
import { readPieces } from './archive-oracle.js';
import { large, second, small } from './seeds.js';

/** What a program makes of an archive; nothing without the program. */
export function packWith(argv: readonly string[], bytes: Uint8Array): Buffer[] {
  const [program = '', ...rest] = argv;
  const { status, stdout } = spawnSync(program, rest, { input: bytes, maxBuffer: 2 ** 28 });
  return status === 0 ? [stdout] : [];
}

export const packers: Readonly<Record<Exclude<Codec, 'none'>, readonly string[]>> = {
  gzip: ['gzip', '-nc'],
  bzip2: ['bzip2', '-c'],
  lzma: ['xz', '--format=lzma', '-c'],
  xz: ['xz', '--check=crc32', '-c'],
  lzo: ['lzop', '-c'],
  lz4: ['lz4', '-lcq'],
  zstd: ['zstd', '-cq'],
};
export const packAll = (codec: Exclude<Codec, 'none'>) =>
  [small, second, large].flatMap((archive) => packWith(packers[codec], archive));

async function readAll<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

async function readTar(bytes: Buffer): Promise<{ record: TarRecord; body: Buffer }[]> {
  const found: { record: TarRecord; body: Buffer }[] = [];
  for await (const { record, body } of readEntries(Readable.from([bytes], { objectMode: false })))
    found.push({ record, body: Buffer.concat(await readAll(body)) });
  return found;
}

/** Headers whose checksums are right again: what is wrong in them is then looked at. */
export function mendTar(bytes: Buffer): Buffer {
  const mended = Buffer.from(bytes);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    const block = mended.subarray(at, at + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(' ', 148, 156);
    const sum = block.reduce((all, byte) => all + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return mended;
}

/** What was read, packed and read again, is the same; but for links, which need their first name. */
export async function checkTar(bytes: Buffer): Promise<void> {
  const first = (await readTar(bytes)).filter(({ record }) => record.type !== 'link');
  const items = first.map(({ record, body }) => {
    const { path, type, mode, uid, gid, mtime, target, device } = record;
    if (type === 'link') throw new Error('oracle: a link');
    const size = type === 'file' ? body.length : 0;
    return {
      entry: {
        path,
        type,
        mode,
        uid,
        gid,
        mtime,
        size,
        target,
        device,
        async *body() {
          if (size > 0) yield body;
        },
      },
    };
  });
  const again = await readTar(Buffer.concat(await readAll(packEntries(items) as AsyncIterable<Buffer>)));
  const show = (all: typeof first) =>
    JSON.stringify(
      all.map(({ record: { position: _, attributes: __, size: ___, ...rest }, body }) => [
        rest,
        rest.type === 'file' ? body.toString('hex') : '',
      ]),
    );
  if (show(first) !== show(again)) throw new Error(`oracle: ${show(first)} became ${show(again)}`);
}

export const tarSeeds = [
  ...(['ustar', 'pax', 'gnu'] as const).flatMap((format) =>
    packWith(
      ['tar', '-c', `--format=${format}`, '-C', '/etc', 'hostname', 'passwd', 'alternatives/pager'],
      new Uint8Array(),
    ),
  ),
  Buffer.concat(
    await readAll(
      packEntries(
        [small.toString('latin1').slice(0, 90), 'd/\udcff', 'n'.repeat(180)].map((path, index) => ({
          entry: {
            path: path.replaceAll('\0', ''),
            type: 'file' as const,
            mode: 0o644,
            uid: 3_000_000,
            gid: 0,
            mtime: index,
            size: 3,
            async *body() {
              yield Buffer.from('abc');
            },
          },
        })),
      ) as AsyncIterable<Buffer>,
    ),
  ),
];

export const sidecar = await makeSidecar();
async function makeSidecar(): Promise<Buffer> {
  const image = {
    line: 'image',
    version: 1,
    name: 'i',
    size: small.length,
    sha256: '0'.repeat(64),
    root: 0,
    kept: ['dev'],
  } as const;
  const segment = {
    line: 'segment',
    offset: 0,
    end: small.length,
    kind: 'cpio',
    compression: { codec: 'gzip' },
    members: 1,
    entries: 17,
    unpacked: small.length,
    trailer: true,
    sha256: '0'.repeat(64),
  } as const;
  const lines = [encodeLine(image), encodeLine(segment)];
  let index = 0;
  for (const entry of readPieces(small, undefined).entries) {
    if (entry === undefined) lines.push(encodeLine({ line: 'trailer', segment: 0 }));
    else {
      const { header, name, body } = entry;
      const isLink = (header.mode & 0o170000) === 0o120000;
      const record = {
        segment: 0,
        index,
        position: 0,
        header,
        name: decodePath(name),
        ...(isLink ? { target: body.toString() } : {}),
      };
      index += 1;
      const raw = Buffer.concat([Buffer.from(small.subarray(0, 6)), body]);
      lines.push(
        encodeLine({
          ...createRecordLine(record, raw, { gap: 0 }),
          ...(index % 3 === 0 ? { lower: true as const } : {}),
        }).replace(/,"raw":"[^"]*"/, ''),
      );
      if (!isLink && body.length > 0)
        lines.push(encodeLine({ line: 'bytes', base64: body.toString('base64') }));
    }
  }
  return Buffer.from([...lines, encodeLine({ line: 'end' })].join(''));
}

export const config = Buffer.from('# Linux\nCONFIG_RD_GZIP=y\nCONFIG_X="a"\n# CONFIG_RD_XZ is not set\n');
/** A bzImage as Documentation/x86/boot.rst has it, with a gzip payload that carries its configuration. */
export function createKernel(): Buffer {
  const inside = Buffer.concat([
    Buffer.alloc(500),
    Buffer.from('IKCFG_ST'),
    gzipSync(config),
    Buffer.from('IKCFG_ED'),
    Buffer.alloc(100),
  ]);
  const payload = gzipSync(inside);
  const setup = Buffer.alloc(1024);
  setup[0x1f1] = 1;
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt32LE(0, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, payload]);
}
