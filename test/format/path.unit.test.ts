import test from 'ava';
import fc from 'fast-check';
import { decodePath, encodePath, hasEscapes, showPath } from '#src/format/path.js';

test('any bytes come back as they were', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      t.deepEqual(Buffer.from(encodePath(decodePath(bytes))), Buffer.from(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('different bytes have different keys', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (a, b) => {
      t.is(decodePath(a) === decodePath(b), Buffer.from(a).equals(b));
    }),
    { numRuns: 2000 },
  );
});

test('UTF-8 stays readable, other bytes are marked', (t) => {
  t.is(decodePath(Buffer.from('Grüße/😀')), 'Grüße/😀');
  t.false(hasEscapes('Grüße/😀'));
  t.is(decodePath(Buffer.from([0x61, 0xff, 0xc3])), 'a\udcff\udcc3');
  t.true(hasEscapes('a\udcff'));
  t.is(
    decodePath(Buffer.from([0xed, 0xb3, 0xbf])),
    '\udced\udcb3\udcbf',
    'a surrogate in UTF-8 is not UTF-8',
  );
  t.is(decodePath(Buffer.from([0xef, 0xbb, 0xbf, 0x61])), '\ufeffa', 'a byte order mark is part of a name');
});

test('what is shown cannot move a cursor', (t) => {
  t.is(showPath('a\nb\x1b[2J\udcff\\'), 'a\\x0ab\\x1b[2J\\xff\\\\');
});
