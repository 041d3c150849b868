import type { ArchiveRecord, Header } from '../model/image/layout.js';
import { createLazyMap } from '../tree/lazy-map.js';
import { createNumberTable, type NumberTable } from './number-table.js';

/**
 * Makes records of which the numbers and digests stand in tables: an image has hundreds of thousands of records, and
 * an object with a field for each number takes ten times as much memory.
 */
export interface RecordTable {
  add(fields: Omit<ArchiveRecord, 'index'>): ArchiveRecord;
  /** The same of a row as `encodeRow` gives it. */
  restore(row: Uint32Array, fields: Pick<ArchiveRecord, 'name' | 'target'>): ArchiveRecord;
  /** Of the record that was added last. */
  setTarget(target: string): void;
  /** SHA-256 of the body of the record that was added last, hex or as bytes. */
  setDigest(sha256: string | Uint8Array): void;
}

/** The columns behind those of the header; `magic` is 0 for 070701. */
const column = { magic: 13, segment: 14, position: 15, highPosition: 16 };
/** Numbers in a row. */
export const columns = 17;

interface Rows {
  /** The index of the first record. */
  readonly first: number;
  readonly numbers: NumberTable;
  readonly digests: DigestTable;
  /** Of symlinks, by index. */
  readonly targets: Map<number, string>;
  /** Those of the first records, as far as they were asked for. */
  readonly headers: Header[];
  /** Of the others: a reader asks for the same header several times in a row. */
  last: { readonly row: number; readonly header: Header } | undefined;
}

/** The headers of so many records are held: they take a MB, and making them for every reader takes longer. */
const mostHeaders = 10_000;

/** `first`: the index of the first record. */
export function createRecordTable(first: number): RecordTable {
  const rows: Rows = {
    first,
    numbers: createNumberTable(columns),
    digests: createDigestTable(),
    targets: new Map(),
    headers: [],
    last: undefined,
  };
  let next = first;

  function restore(
    row: ArrayLike<number>,
    { name, target }: Pick<ArchiveRecord, 'name' | 'target'>,
  ): ArchiveRecord {
    rows.numbers.push(row);
    if (target !== undefined) rows.targets.set(next, target);
    next += 1;
    return new TableRecord(rows, next - 1, name);
  }

  return {
    add: (record) => restore(encodeRow(record), record),
    restore,
    setTarget(target) {
      rows.targets.set(next - 1, target);
    },
    setDigest: (sha256) => rows.digests.set(next - 1 - first, sha256),
  };
}

/** Hex SHA-256 of the bodies of these records, where it was taken. */
export function listDigests(
  records: readonly (ArchiveRecord | undefined)[],
): ReadonlyMap<ArchiveRecord, string> {
  const get = (record: ArchiveRecord) => (record instanceof TableRecord ? record.digest() : undefined);
  function* entries(): MapIterator<[ArchiveRecord, string]> {
    for (const record of records) {
      const sha256 = record && get(record);
      if (record !== undefined && sha256 !== undefined) yield [record, sha256];
    }
    return undefined;
  }
  return createLazyMap({
    get,
    has: (record) => get(record) !== undefined,
    *keys() {
      for (const [record] of entries()) yield record;
      return undefined;
    },
    entries,
    count: () => [...entries()].length,
  });
}

class TableRecord implements ArchiveRecord {
  readonly index: number;
  readonly name: string;
  readonly #rows: Rows;

  constructor(rows: Rows, index: number, name: string) {
    this.index = index;
    this.name = name;
    this.#rows = rows;
  }

  get segment(): number {
    return this.#number(column.segment);
  }

  get position(): number {
    return this.#number(column.highPosition) * 2 ** 32 + this.#number(column.position);
  }

  get header(): Header {
    const { headers, last, numbers, first } = this.#rows;
    const row = this.index - first;
    const known = last?.row === row ? last.header : headers[row];
    if (known !== undefined) return known;
    const header = createHeader(numbers.read(row));
    if (row < mostHeaders) headers[row] = header;
    else this.#rows.last = { row, header };
    return header;
  }

  get target(): string | undefined {
    return this.#rows.targets.get(this.index);
  }

  digest(): string | undefined {
    return this.#rows.digests.get(this.index - this.#rows.first);
  }

  #number(at: number): number {
    return this.#rows.numbers.get(this.index - this.#rows.first, at);
  }
}

/** All of a record that is a number. */
export function encodeRow({
  header,
  segment,
  position,
}: Pick<ArchiveRecord, 'header' | 'segment' | 'position'>): readonly number[] {
  return [
    header.ino,
    header.mode,
    header.uid,
    header.gid,
    header.nlink,
    header.mtime,
    header.filesize,
    header.devmajor,
    header.devminor,
    header.rdevmajor,
    header.rdevminor,
    header.namesize,
    header.check,
    header.magic === '070701' ? 0 : 1,
    segment,
    position % 2 ** 32,
    Math.floor(position / 2 ** 32),
  ];
}

function createHeader(row: Readonly<Uint32Array>): Header {
  const field = (at: number) => row[at] ?? 0;
  return {
    magic: field(column.magic) === 0 ? '070701' : '070702',
    ino: field(0),
    mode: field(1),
    uid: field(2),
    gid: field(3),
    nlink: field(4),
    mtime: field(5),
    filesize: field(6),
    devmajor: field(7),
    devminor: field(8),
    rdevmajor: field(9),
    rdevminor: field(10),
    namesize: field(11),
    check: field(12),
  };
}

interface DigestTable {
  get(row: number): string | undefined;
  set(row: number, sha256: string | Uint8Array): void;
}

export const digestSize = 32;
const blockDigests = 512;
/** Room in the first block at first: a thousand small archives are read one by one. */
const firstDigests = 16;
const none = Buffer.alloc(digestSize);

function createDigestTable(): DigestTable {
  const blocks: Buffer[] = [];
  return {
    get(row) {
      const at = (row % blockDigests) * digestSize;
      const digest = blocks[Math.floor(row / blockDigests)]?.subarray(at, at + digestSize);
      return digest === undefined || digest.length === 0 || digest.equals(none)
        ? undefined
        : digest.toString('hex');
    },
    set(row, sha256) {
      const index = Math.floor(row / blockDigests);
      const at = (row % blockDigests) * digestSize;
      let block = blocks[index];
      if (block === undefined || block.length <= at) {
        const isSmall = index === 0 && row < firstDigests;
        const larger = Buffer.alloc((isSmall ? firstDigests : blockDigests) * digestSize);
        block?.copy(larger);
        block = larger;
        blocks[index] = block;
      }
      if (typeof sha256 === 'string') block.write(sha256, at, 'hex');
      else block.set(sha256, at);
    },
  };
}
