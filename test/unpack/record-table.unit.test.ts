import test from 'ava';
import fc from 'fast-check';
import type { Header } from '#src/model/image/layout.js';
import { decodeRecords, encodeRecords } from '#src/unpack/encoded-records.js';
import { createNumberTable } from '#src/unpack/number-table.js';
import { createRecordTable, listDigests } from '#src/unpack/record-table.js';
import { describeRecord } from '../fixtures/describe-record.js';

const word = fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat(0xffffffff));

test('a table of numbers gives back what was put in, whatever the width of a block', (t) => {
  const row = fc.tuple(word, fc.constant(7), fc.integer({ min: 2 ** 20, max: 2 ** 20 + 300 }));
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (few) => {
      const table = createNumberTable(3);
      const rows = Array.from({ length: 1100 }, (_, at) => few[at % few.length] ?? [0, 7, 0]);
      for (const each of rows) table.push(each);
      for (const at of [0, 511, 512, 1023, 1024, 1099]) {
        t.deepEqual(Array.from(table.read(at)), rows[at]);
        for (const column of [0, 1, 2]) t.is(table.get(at, column), rows[at]?.[column] ?? -1);
      }
    }),
    { numRuns: 20 },
  );
});

const names = 'ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check';
const header: fc.Arbitrary<Header> = fc
  .tuple(
    fc.constantFrom('070701' as const, '070702' as const),
    fc.array(word, { minLength: 13, maxLength: 13 }),
  )
  .map(([magic, numbers]) => ({
    ...(Object.fromEntries(names.split(' ').map((name, at) => [name, numbers[at]])) as unknown as Header),
    magic,
  }));

test('a record is what was added, with its target and the digest of its body', (t) => {
  fc.assert(
    fc.property(fc.array(header, { minLength: 1, maxLength: 8 }), (headers) => {
      const table = createRecordTable(5);
      const wanted = Array.from({ length: 600 }, (_, at) => ({
        segment: at % 3,
        index: 5 + at,
        position: at * (2 ** 33 + 1),
        header: headers[at % headers.length] as Header,
        name: `n${at}`,
        target: at % 7 === 0 ? `to ${at}` : undefined,
      }));
      const records = wanted.map(({ target, ...fields }) => {
        const record = table.add(fields);
        if (target !== undefined) table.setTarget(target);
        if (fields.index % 2 === 0) table.setDigest(digestOf(fields.index));
        return record;
      });
      t.deepEqual(records.map(describeRecord), wanted);
      const digests = listDigests([undefined, ...records]);
      const even = records.filter(({ index }) => index % 2 === 0);
      t.deepEqual([...digests.keys()], even);
      t.is(digests.size, 300);
      for (const record of even) t.is(digests.get(record), digestOf(record.index));
      t.false(digests.has(records[0] as (typeof records)[0]));
    }),
    { numRuns: 5 },
  );
});

test('records come back from their columns, and from nothing else', (t) => {
  fc.assert(
    fc.property(fc.array(header, { minLength: 1, maxLength: 40 }), (headers) => {
      const table = createRecordTable(0);
      const records = headers.flatMap((each, at) => {
        const target = at % 3 === 0 ? `to ${at} \udcff` : undefined;
        const record = table.add({
          segment: at,
          position: at * 2 ** 33,
          header: each,
          name: `é${at}`,
          target,
        });
        if (at % 2 === 0) table.setDigest(digestOf(at + 1));
        return at % 5 === 4 ? [record, undefined] : [record];
      });
      const encoded = JSON.parse(JSON.stringify(encodeRecords(records)));
      const decoded = decodeRecords(encoded) ?? [];
      const describe = (each: typeof records) => each.map((record) => record && describeRecord(record));
      t.deepEqual(describe([...decoded]), describe(records));
      t.deepEqual([...listDigests(decoded).values()], [...listDigests(records).values()]);
      const damaged = [
        { ...encoded, numbers: encoded.numbers.slice(8) },
        { ...encoded, digests: '' },
        { ...encoded, names: [...encoded.names, 'another'] },
        { ...encoded, names: encoded.names.map(() => 1) },
        { ...encoded, targets: [[0, 1]] },
      ];
      for (const each of damaged) t.is(decodeRecords(each), undefined);
    }),
    { numRuns: 20 },
  );
});

function digestOf(index: number): string {
  return index.toString(16).padStart(64, '0');
}
