import test from 'ava';
import fc from 'fast-check';
import { diffTexts } from '#src/tree/text-diff.js';

/** Applies the hunks of a unified diff, as patch(1) does, and checks the lines they claim to find. */
function apply(before: string, diff: readonly string[]): string {
  const old = before === '' ? [] : (before.match(/[^\n]*\n|[^\n]+$/g) ?? []);
  const made: string[] = [];
  let at = 0;
  for (const [index, line] of diff.entries()) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+/.exec(line);
    const text = diff[index + 1]?.startsWith('\\') ? line.slice(1) : `${line.slice(1)}\n`;
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1);
      made.push(...old.slice(at, start));
      at = start;
    } else if (line.startsWith('+')) made.push(text);
    else if (!line.startsWith('\\')) {
      if (old[at] !== text) throw new Error(`found ${JSON.stringify(old[at])}, the diff says ${line}`);
      if (line.startsWith(' ')) made.push(text);
      at += 1;
    }
  }
  return [...made, ...old.slice(at)].join('');
}

test('writes what diff -u writes', (t) => {
  const before = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n';
  const after = 'one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven';
  t.deepEqual(diffTexts(before, after), [
    '@@ -1,5 +1,5 @@',
    ' one',
    '-two',
    '+2',
    ' three',
    ' four',
    ' five',
    '@@ -8,3 +8,4 @@',
    ' eight',
    ' nine',
    ' ten',
    '+eleven',
    '\\ No newline at end of file',
  ]);
  t.deepEqual(diffTexts('', 'a\n'), ['@@ -0,0 +1 @@', '+a']);
  t.deepEqual(diffTexts('same\n', 'same\n'), []);
});

test('applied to the old text, gives the new one', (t) => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '', 'dd'), { maxLength: 40 })
    .map((lines) => lines.join('\n'));
  const property = fc.property(text, text, (before, after) => {
    const diff = diffTexts(before, after);
    return diff !== undefined && apply(before, diff) === after;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 2000 }));
});

test('gives up on unrelated texts after a few hundred edits', (t) => {
  const lines = (start: number) => Array.from({ length: 9000 }, (_, index) => `${start + index}\n`).join('');
  t.is(diffTexts(lines(0), lines(100_000)), undefined);
});
