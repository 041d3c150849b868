import type { ArchiveRecord } from '../model/image/layout.js';
import { columns, createRecordTable, digestSize, encodeRow, listDigests } from './record-table.js';

/** The records of an image as a value of JSON: columns, since a value for each record takes three times as long to parse. */
export interface EncodedRecords {
  /** Null where a TRAILER stands. */
  readonly names: readonly (string | null)[];
  /** Of symlinks, by index. */
  readonly targets: readonly (readonly [index: number, target: string])[];
  /** Base64 of the rows of the table, in the byte order of the machine; a TRAILER has none. */
  readonly numbers: string;
  /** Base64, one behind the other; zeros where a record has none. */
  readonly digests: string;
}

type Records = readonly (ArchiveRecord | undefined)[];

export function encodeRecords(records: Records): EncodedRecords {
  const found = records.filter((record) => record !== undefined);
  const known = listDigests(records);
  const numbers = new Uint32Array(found.length * columns);
  const digests = Buffer.alloc(found.length * digestSize);
  for (const [row, record] of found.entries()) {
    numbers.set(encodeRow(record), row * columns);
    digests.write(known.get(record) ?? '', row * digestSize, 'hex');
  }
  return {
    names: records.map((record) => record?.name ?? null),
    targets: records.flatMap((record, index) =>
      record?.target === undefined ? [] : [[index, record.target] as const],
    ),
    numbers: Buffer.from(numbers.buffer).toString('base64'),
    digests: digests.toString('base64'),
  };
}

/** Undefined for anything but what `encodeRecords` gives. */
export function decodeRecords(encoded: EncodedRecords): Records | undefined {
  const { names, targets } = encoded;
  const bytes = Buffer.from(encoded.numbers, 'base64');
  const digests = Buffer.from(encoded.digests, 'base64');
  const isText = (value: unknown) => value === null || typeof value === 'string';
  const count = names.filter((name) => name !== null).length;
  const isWhole = bytes.length === count * columns * 4 && digests.length === count * digestSize;
  if (!isWhole || !names.every(isText) || !targets.every(([, target]) => isText(target))) return undefined;
  const numbers = new Uint32Array(new Uint8Array(bytes).buffer);
  const targetOf = new Map(targets);
  const table = createRecordTable(0);
  let row = 0;
  return names.map((name, index) => {
    if (name === null) return undefined;
    const record = table.restore(numbers.subarray(row * columns, (row + 1) * columns), {
      name,
      target: targetOf.get(index),
    });
    table.setDigest(digests.subarray(row * digestSize, (row + 1) * digestSize));
    row += 1;
    return record;
  });
}
