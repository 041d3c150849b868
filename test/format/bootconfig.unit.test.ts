import test from 'ava';
import fc from 'fast-check';
import {
  isBootconfigValue,
  removeBootconfigKey,
  setBootconfigKey,
} from '#src/format/bootconfig/bootconfig-edit.js';
import { parseBootconfig } from '#src/format/bootconfig/bootconfig-parser.js';
import { showBootconfigKey } from '#src/format/bootconfig/bootconfig-text.js';
import {
  bootconfigReach,
  decodeBootconfig,
  encodeBootconfig,
  locateBootconfigEnd,
} from '#src/format/bootconfig/bootconfig-trailer.js';

function list(text: string): readonly string[] | string {
  const parsed = parseBootconfig(text);
  if ('problem' in parsed) return `${parsed.problem} at ${parsed.at}`;
  return [...parsed.keys].map(([key, values]) => showBootconfigKey(key, values));
}

/** What `bootconfig -l` of Linux 6.1 (tools/bootconfig, around lib/bootconfig.c) was seen to make of each. */
const texts: readonly (readonly [string, readonly string[] | string])[] = [
  ['kernel {\n  panic = 1\n}\n', ['kernel.panic = 1']],
  ['a.b = 1; a.c = two words # comment\n', ['a.b = 1', 'a.c = "two words"']],
  ['a = 1, 2,\n  # more\n  "3;4"\n', ['a = 1, 2, "3;4"']],
  ['a = 1\na += 2\na += 3', ['a = 1, 2, 3']],
  ['a = 1, 2\na := 3\n', ['a = 3']],
  ['a { b { c = "x" } d }\n', ['a.b.c = x', 'a.d']],
  ['a = \'say "hi"\'\n', ['a = \'say "hi"\'']],
  ['a.b\na\n', ['a.b']],
  ['a {}\n', ['a']],
  ['a = #x\n3;', ['a = 3']],
  ['a = 1\na = 2\n', 'the value of a is redefined at 9'],
  ['a = "1\n', 'no closing quotes at 4'],
  ['a = "1" 2\n', 'no value delimiter at 8'],
  ['a b = 1\n', 'invalid keyword "a b" at 0'],
  ['a = 1\n}\n', 'unexpected closing brace at 6'],
  ['a {\n', 'a brace is not closed at 0'],
  ['a', 'no delimiter at 0'],
  ['a + 1\n', 'wrong "+" operator at 2'],
  ['a = \x01\n', 'non printable value at 4'],
  [`${'k'.repeat(300)} = 1\n`, 'too long a key at 0'],
  ['', 'empty bootconfig at 0'],
];

for (const [text, wanted] of texts) {
  test(`a boot configuration is read as a kernel reads it: ${JSON.stringify(text.slice(0, 40))}`, (t) => {
    t.deepEqual(list(text), wanted);
  });
}

const sample = `# who built it
kernel {
	panic = 1   # seconds
	loglevel = 3; quiet
}
init.arg = a, "b c"
kernel.panic := 2
`;

test('setting a key changes its statement alone, and takes away its others', (t) => {
  t.is(
    setBootconfigKey(sample, 'kernel.panic', ['10']),
    sample.replace('panic = 1 ', 'panic = 10 ').replace('kernel.panic := 2\n', ''),
  );
  t.is(setBootconfigKey(sample, 'init.arg', ['x', 'y z']), sample.replace('a, "b c"', 'x, "y z"'));
  t.is(setBootconfigKey(sample, 'kernel.quiet', ['1']), sample.replace('quiet', 'quiet = 1'));
  t.is(setBootconfigKey(sample, 'ftrace.event', ['x']), `${sample}ftrace.event = x\n`);
  t.is(setBootconfigKey('a = 1', 'b', ['']), 'a = 1\nb = ""\n');
  t.is(setBootconfigKey('a = ', 'b', ['1']), 'a = ""\nb = 1\n', 'the next line is no value of a');
});

test('removing a key takes its statements and all below it, and braces that are empty then', (t) => {
  t.is(removeBootconfigKey(sample, 'kernel.loglevel'), sample.replace('loglevel = 3; ', ''));
  t.is(removeBootconfigKey(sample, 'kernel'), '# who built it\ninit.arg = a, "b c"\n');
  t.is(removeBootconfigKey(sample, 'absent'), sample);
  t.is(
    removeBootconfigKey('a = 1\xa0# s\n', 'a'),
    '\xa0# s\n',
    'a space that does not break is one to a kernel',
  );
  t.is(removeBootconfigKey('a { b { c = 1 } }\nd = 2\n', 'a.b.c'), 'd = 2\n');
});

const word = fc.stringMatching(/^[a-z0-9_-]{1,4}$/);
const keys = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('.'));
const values = fc.array(fc.string({ maxLength: 8 }).filter(isBootconfigValue), {
  minLength: 1,
  maxLength: 3,
});

test('what is set is read back, whatever was set before; what is removed is gone', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, values), { maxLength: 6 }), keys, values, (before, key, wanted) => {
      const text = before.reduce((all, [name, own]) => setBootconfigKey(all, name, own), '');
      const set = setBootconfigKey(text, key, wanted);
      const parsed = parseBootconfig(set);
      t.false('problem' in parsed, JSON.stringify(parsed));
      if ('problem' in parsed) return;
      t.deepEqual(parsed.keys.get(key), wanted);
      for (const [name, own] of new Map(before)) if (name !== key) t.deepEqual(parsed.keys.get(name), own);
      const left = parseBootconfig(removeBootconfigKey(set, key));
      t.false(
        !('problem' in left) &&
          [...left.keys.keys()].some((name) => name === key || name.startsWith(`${key}.`)),
      );
    }),
    { numRuns: 300 },
  );
});

test('a trailer is found with up to three bytes behind it, and ends at a multiple of four', (t) => {
  for (const position of [0, 1, 2, 3, 98]) {
    const trailer = encodeBootconfig('a = 1\n', position);
    t.is((position + trailer.length) % 4, 0);
    t.is(decodeBootconfig(trailer), 'a = 1\n');
    for (const behind of ['', 'x', 'xy', 'xyz', 'xyz.']) {
      const tail = Buffer.concat([trailer, Buffer.from(behind)]).subarray(-bootconfigReach);
      t.is(locateBootconfigEnd(tail) !== undefined, behind.length < 4, behind);
    }
  }
});
