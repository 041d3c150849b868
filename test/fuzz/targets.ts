import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { findBzip2End } from '#src/compress/bzip2.js';
import { findBootconfig } from '#src/compress/find-bootconfig.js';
import { findLz4End } from '#src/compress/lz4.js';
import { findLzopEnd } from '#src/compress/lzo.js';
import { findZstdEnd } from '#src/compress/zstd/zstd.js';
import { removeBootconfigKey, setBootconfigKey } from '#src/format/bootconfig/bootconfig-edit.js';
import { parseBootconfig } from '#src/format/bootconfig/bootconfig-parser.js';
import { decodeBootconfig, encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import { parseBzip2Header } from '#src/format/codec/bzip2-marks.js';
import { parseGzipHeader } from '#src/format/codec/gzip-header.js';
import { parseLzopHeader } from '#src/format/codec/lzop-header.js';
import { detectCodec } from '#src/format/codec/magic.js';
import { parseLzmaDictionary, parseXzHeader } from '#src/format/codec/xz-header.js';
import { parseZstdBlock, parseZstdHeader } from '#src/format/codec/zstd-frame.js';
import { parseElf } from '#src/format/kind/elf.js';
import { identifyFile, tailSize } from '#src/format/kind/file-kind.js';
import { decodePath, encodePath, showPath } from '#src/format/path.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Codec } from '#src/model/image/layout.js';
import { readSidecar } from '#src/repack/import/read-sidecar.js';
import { parseSidecarLine } from '#src/repack/import/sidecar-line.js';
import { createUnpackedImage } from '#src/repack/import/unpacked-image.js';
import { createCollector } from '#src/unpack/collector.js';
import { scanImage } from '#src/unpack/scan.js';
import { detectArchitecture } from '#src/verify/boot/machine/kernel.js';
import { readKernelConfig } from '#src/verify/hazards/kernel-config.js';
import { checkMerged, checkRewritten, readPieces } from './archive-oracle.js';
import {
  checkTar,
  config,
  createKernel,
  mendTar,
  packAll,
  packers,
  packWith,
  sidecar,
  tarSeeds,
} from './inputs.js';
import { createMemoryFile, wantsProgram } from './memory-file.js';
import type { Random } from './mutate.js';
import { archives, bootconfigSeeds, images, kindSeeds, small } from './seeds.js';

export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Codes of the errors with which an input may be rejected. */
  readonly codes: RegExp;
  /** Inputs of the short run that the tests make. */
  readonly usual: number;
  /** How an input is made of a seed; absent: as for archives. */
  readonly mutate?: (seed: Buffer, random: Random) => Buffer;
  /** Resolves when the input was taken; throws the rejection, or anything else for a defect. */
  run(bytes: Buffer, random: Random, folder: string): Promise<void> | void;
}

const signal = new AbortController().signal;
export const imageCodes = /^image-(invalid|truncated|corrupt|unsupported|too-large)$/;

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
    name: 'file-kinds',
    seeds: kindSeeds,
    codes: /^never$/,
    usual: 15_000,
    run(bytes) {
      const kind = identifyFile({ start: bytes, tail: bytes.subarray(-tailSize) });
      if (kind !== undefined && !kind.help('FILE').match(/FILE|disk|boots with/))
        throw new Error(`oracle: no help for ${kind.id}`);
    },
  },
  {
    name: 'bootconfig',
    seeds: bootconfigSeeds,
    codes: /^never$/,
    usual: 8000,
    run(bytes, random) {
      const text = bytes.toString('latin1');
      const parsed = parseBootconfig(text);
      if ('problem' in parsed) {
        if (parsed.at < 0 || parsed.at > text.length) throw new Error(`oracle: a problem at ${parsed.at}`);
        return;
      }
      const keys = [...parsed.keys.keys(), 'new.key'];
      const key = keys[random.below(keys.length)] ?? '';
      const set = parseBootconfig(setBootconfigKey(text, key, ['a b', '1']));
      if ('problem' in set) throw new Error(`oracle: ${key} cannot be set: ${set.problem}`);
      for (const [name, values] of parsed.keys)
        if (
          name !== key &&
          values.length > 0 &&
          set.keys.get(name)?.join('\0').trimEnd() !== values.join('\0').trimEnd()
        )
          throw new Error(`oracle: setting ${key} changed ${name}`);
      const left = parseBootconfig(removeBootconfigKey(text, key));
      if (!('problem' in left) && (left.keys.get(key)?.length ?? 0) > 0)
        throw new Error(`oracle: ${key} is still there`);
    },
  },
  {
    name: 'bootconfig-trailer',
    seeds: bootconfigSeeds.map((text) => {
      const image = Buffer.concat([small, encodeBootconfig(text.toString('latin1'), small.length)]);
      return image.subarray(Math.max(0, image.length - 600));
    }),
    codes: /^never$/,
    usual: 8000,
    async run(bytes) {
      const found = await findBootconfig(createMemoryFile(bytes));
      if (found === undefined) return;
      if (found.offset < 0 || found.offset + found.size > bytes.length)
        throw new Error(`oracle: a boot configuration from ${found.offset}`);
      decodeBootconfig(bytes.subarray(found.offset, found.offset + found.size));
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
      createUnpackedImage(await readSidecar(Readable.from([bytes]), 'fuzz', createSpool(folder)), found);
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
