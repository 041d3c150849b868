import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { findBzip2End } from '#src/compress/bzip2.js';
import { findLz4End } from '#src/compress/lz4.js';
import { findLzopEnd } from '#src/compress/lzo.js';
import { findZstdEnd } from '#src/compress/zstd.js';
import { parseBzip2Header } from '#src/format/bzip2-marks.js';
import { parseElf } from '#src/format/elf.js';
import { parseGzipHeader } from '#src/format/gzip-header.js';
import { parseLzmaDictionary } from '#src/format/lzma-header.js';
import { parseLzopHeader } from '#src/format/lzop-header.js';
import { detectCodec } from '#src/format/magic.js';
import { decodePath, encodePath, showPath } from '#src/format/path.js';
import { createRecordLine, encodeLine } from '#src/format/sidecar.js';
import { parseXzHeader } from '#src/format/xz-header.js';
import { parseZstdBlock, parseZstdHeader } from '#src/format/zstd-frame.js';
import { createSpool } from '#src/io/spool.js';
import type { Codec } from '#src/model/layout.js';
import { createBase } from '#src/repack/import/from-base.js';
import { parseSidecarLine } from '#src/repack/import/from-line.js';
import { readSidecar } from '#src/repack/import/from-sidecar.js';
import { packEntries, readEntries, type TarRecord } from '#src/tar/tar.js';
import { createCollector } from '#src/unpack/collector.js';
import { scanImage } from '#src/unpack/scan.js';
import { detectArchitecture } from '#src/verify/boot/kernel.js';
import { readKernelConfig } from '#src/verify/hazards/kernel-config.js';
import { checkMerged, checkRewritten, readPieces } from './archive-oracle.js';
import { createMemoryFile, wantsProgram } from './memory-file.js';
import type { Random } from './mutate.js';
import { archives, images, large, second, small } from './seeds.js';

export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Codes of the errors with which an input may be rejected. */
  readonly codes: RegExp;
  /** Inputs of the short run that the tests make. */
  readonly usual: number;
  /** Resolves when the input was taken; throws the rejection, or anything else for a defect. */
  run(bytes: Buffer, random: Random, folder: string): Promise<void> | void;
}

const signal = new AbortController().signal;
export const imageCodes = /^image-(invalid|truncated|corrupt|unsupported|too-large)$/;

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
const packAll = (codec: Exclude<Codec, 'none'>) =>
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
function mendTar(bytes: Buffer): Buffer {
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
async function checkTar(bytes: Buffer): Promise<void> {
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

const tarSeeds = [
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

const sidecar = await makeSidecar();
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

const config = Buffer.from('# Linux\nCONFIG_RD_GZIP=y\nCONFIG_X="a"\n# CONFIG_RD_XZ is not set\n');
/** A bzImage as Documentation/x86/boot.rst has it, with a gzip payload that carries its configuration. */
function createKernel(): Buffer {
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

const walker = (
  name: string,
  codec: Exclude<Codec, 'none'>,
  walk: (file: ReturnType<typeof createMemoryFile>) => Promise<number>,
): Target => ({
  name,
  seeds: packAll(codec),
  codes: imageCodes,
  usual: 15_000,
  async run(bytes) {
    const end = await walk(createMemoryFile(bytes));
    if (!(end > 0 && end <= bytes.length)) throw new Error(`oracle: the end ${end}`);
  },
});

export const fastTargets: readonly Target[] = [
  {
    name: 'cpio',
    seeds: archives,
    codes: /^never$/,
    usual: 4000,
    run(bytes, random) {
      const whole = readPieces(bytes, undefined);
      const pieces = readPieces(bytes, random);
      if (pieces.problem !== whole.problem || pieces.entries.length !== whole.entries.length)
        throw new Error('oracle: another archive in pieces');
      checkRewritten(whole);
      checkMerged(whole);
    },
  },
  {
    name: 'headers',
    seeds: [
      ...(Object.keys(packers) as Exclude<Codec, 'none'>[]).flatMap((codec) =>
        packAll(codec).map((bytes) => bytes.subarray(0, 2000)),
      ),
    ],
    codes: /^never$/,
    usual: 2000,
    run(bytes) {
      detectCodec(bytes);
      parseBzip2Header(bytes);
      parseGzipHeader(bytes);
      parseLzmaDictionary(bytes);
      parseLzopHeader(bytes);
      parseXzHeader(bytes);
      parseZstdHeader(bytes);
      for (let at = 0; at + 3 <= Math.min(bytes.length, 300); at += 3)
        parseZstdBlock(bytes.subarray(at, at + 3));
      detectArchitecture(bytes);
      const path = decodePath(bytes.subarray(0, 300));
      if (Buffer.compare(encodePath(path), bytes.subarray(0, 300)) !== 0)
        throw new Error('oracle: a name changed');
      if ([...showPath(path)].some((letter) => letter < ' '))
        throw new Error('oracle: a control character is shown');
    },
  },
  {
    name: 'elf',
    seeds: packWith(['head', '-c', '8192', '/bin/true'], new Uint8Array()),
    codes: /^never$/,
    usual: 15_000,
    run(bytes) {
      parseElf(bytes);
    },
  },
  walker('bzip2', 'bzip2', (file) => findBzip2End(file, 0)),
  walker('lz4', 'lz4', (file) => findLz4End(file, 0)),
  walker('lzop', 'lzo', async (file) => (await findLzopEnd(file, 0)).end),
  walker('zstd', 'zstd', async (file) => (await findZstdEnd(file, 0)).end),
  {
    name: 'scan',
    seeds: images,
    codes: imageCodes,
    usual: 800,
    async run(bytes) {
      const collector = createCollector({});
      const scanned = await scanImage(createMemoryFile(bytes), { collector, signal }).catch((error) => {
        if (error !== wantsProgram) throw error;
      });
      if (scanned === undefined) return;
      const { segments } = scanned;
      const { records } = collector.finish();
      let at = 0;
      for (const { offset, end } of segments) {
        if (offset !== at || end <= offset) throw new Error(`oracle: a segment from ${offset} to ${end}`);
        at = end;
      }
      if (at !== bytes.length) throw new Error('oracle: segments do not cover the file');
      const entries = segments.reduce((sum, segment) => sum + segment.entries, 0);
      if (entries !== records.filter((record) => record !== undefined).length)
        throw new Error('oracle: a lost record');
    },
  },
  {
    name: 'tar',
    seeds: tarSeeds,
    codes: /^tar-/,
    usual: 800,
    run: (bytes, random) => checkTar(random.below(8) === 0 ? bytes : mendTar(bytes)),
  },
  {
    name: 'sidecar-line',
    seeds: sidecar
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.from(line)),
    codes: /^sidecar-invalid$/,
    usual: 15_000,
    run(bytes) {
      parseSidecarLine(bytes.toString('utf8'), 'fuzz:1');
    },
  },
  {
    name: 'sidecar',
    seeds: [sidecar],
    codes: /^sidecar-invalid$/,
    usual: 300,
    async run(bytes, _, folder) {
      const found = {
        name: 'fuzz',
        entries: new Map(),
        shows: (entry: { readonly mode: number }) => entry.mode,
      };
      createBase(await readSidecar(Readable.from([bytes]), 'fuzz', createSpool(folder)), found);
    },
  },
  {
    name: 'kernel',
    seeds: [createKernel(), config, ...packWith(['head', '-c', '65536', '/bin/true'], new Uint8Array())],
    codes: imageCodes,
    usual: 300,
    async run(bytes, _, folder) {
      const path = join(folder, 'kernel');
      writeFileSync(path, bytes);
      await readKernelConfig(path);
      rmSync(path);
    },
  },
];
