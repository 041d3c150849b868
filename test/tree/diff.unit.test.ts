import test from 'ava';
import type { Entry } from '#src/model/image/entry.js';
import { diffInSteps, diffTrees } from '#src/tree/diff.js';

async function* nothing() {}

function createNames(count: number): Map<string, Entry> {
  const fields = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 0, body: nothing } as const;
  const names = Array.from({ length: count }, (_, index) => `n${String(index).padStart(6, '0')}`);
  return new Map(names.map((path) => [path, { ...fields, path, link: 'one' }]));
}

test('another name of a file with many is a difference of each, and none of them tells all names', (t) => {
  const { changed, added, differences } = diffTrees(createNames(20_000), createNames(20_001), () => false);
  t.is(changed, 20_000);
  t.is(added, 1);
  const link = differences[0]?.fields[0];
  t.is(link?.field, 'link');
  t.regex(link?.before ?? '', /^n000000\n(.*\n){49}and 19950 more names$/);
  t.regex(link?.after ?? '', /\nand 19951 more names$/);
});

test('a comparison pauses every thousand entries', (t) => {
  const steps = diffInSteps(createNames(10_000), new Map(), () => false);
  let pauses = 0;
  while (!steps.next().done) pauses += 1;
  t.true(pauses >= 10);
});
