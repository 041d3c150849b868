import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { WrapperPart } from '../model/image/wrapper.js';

/** Hashes that OpenSSL calls by the same names as U-Boot. */
const digests: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha256', 'sha384', 'sha512']);

export function isKnownSum(algorithm: string): boolean {
  return algorithm === 'crc32' || digests.has(algorithm);
}

interface Summing {
  update(bytes: Uint8Array): void;
  end(): Buffer;
}

/** Undefined: the kind is unknown. */
export function createSum(algorithm: string): Summing | undefined {
  if (!isKnownSum(algorithm)) return undefined;
  if (algorithm !== 'crc32') {
    const hash = createHash(algorithm);
    return { update: (bytes) => void hash.update(bytes), end: () => hash.digest() };
  }
  let sum = 0;
  return {
    update(bytes) {
      sum = crc32(bytes, sum);
    },
    end: () => encodeSum(sum),
  };
}

/** Big endian. */
export function encodeSum(sum: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes;
}

/** Passes the bytes of a part on, and refuses them at their end where a sum is another one. Error (`invalid`): `wrapper-invalid`. */
export async function* checkSums(
  { name: path }: InputFile,
  { name, offset, sums = [] }: WrapperPart,
  bytes: Bytes,
): Bytes {
  const wanted = sums.flatMap(({ algorithm, value }) => {
    const sum = createSum(algorithm);
    return sum === undefined ? [] : [{ algorithm, value, sum }];
  });
  for await (const piece of bytes) {
    for (const { sum } of wanted) sum.update(piece);
    yield piece;
  }
  for (const { algorithm, value, sum } of wanted) {
    const found = sum.end().toString('hex');
    if (found !== value)
      throw createSumError({ path, offset, what: `${name} has the ${algorithm} ${found}`, value });
  }
}

interface SumFault {
  readonly path: string;
  readonly offset: number;
  /** `ramdisk has the crc32 0123abcd` */
  readonly what: string;
  readonly value: string;
}

export function createSumError({ path, offset, what, value }: SumFault): MobyPatchError {
  return new MobyPatchError('invalid', 'wrapper-invalid', `${what}, wanted ${value}: U-Boot refuses it`, {
    path,
    offset,
    hint: 'get a whole copy',
  });
}
