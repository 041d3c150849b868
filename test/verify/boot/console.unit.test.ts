import test from 'ava';
import fc from 'fast-check';
import { cleanLine, createConsoleReader, longestLine } from '#src/verify/boot/console.js';

/** Every control character among them; the library takes a second to make its table of all characters there are. */
const anyCharacter = fc.integer({ min: 0, max: 0x17f }).map((code) => String.fromCodePoint(code));

function readAll(chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const reader = createConsoleReader((line) => lines.push(line));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return lines;
}

test('lines are whole and clean, however the bytes are cut', (t) => {
  const bytes = Buffer.from(
    '\x1bc\x1b[?7l\x1b[2Jfirst\r\n\x1b[1;32m * \x1b[0mgrün \x1b]0;title\x07\tok  \r\r\nbar 1%\rbar 2%\nend',
  );
  const wanted = ['first', ' * grün \tok', 'bar 1%', 'bar 2%', 'end'];
  t.deepEqual(readAll([bytes]), wanted);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      t.deepEqual(readAll(chunks), wanted);
    }),
  );
});

test('a line without an end is bounded, and a prompt is visible', (t) => {
  const lines: string[] = [];
  const reader = createConsoleReader((line) => lines.push(line));
  reader.push(Buffer.from('x'.repeat(3 * longestLine + 10)));
  t.is(lines.length, 3);
  t.true(lines.every((line) => line.length === longestLine));
  t.is(reader.partial(), 'xxxxxxxxxx');
  reader.push(Buffer.from('\nmoby login: '));
  t.is(reader.partial(), 'moby login:');
  t.is(lines.length, 4);
});

test('no control byte is left in a line', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      t.notRegex(cleanLine(text), /[\x00-\x08\x0a-\x1f\x7f-\x9f]/);
    }),
  );
});

test('a megabyte of returns, of spaces or of one line costs no more than any other', (t) => {
  const start = performance.now();
  for (const byte of [0x0d, 0x20, 0x08, 0x1b, 0x5b, 0x41]) {
    const reader = createConsoleReader(() => {});
    for (let chunk = 0; chunk < 16; chunk++) {
      reader.push(Buffer.alloc(64 * 1024, byte));
      reader.partial();
    }
    reader.end();
  }
  // Quadratic time takes minutes for one of them.
  t.true(performance.now() - start < 60_000);
});
