import test from 'ava';
import { createPathIndex } from '#src/tree/path-index.js';

test('a subtree has what was added below a directory, also where a directory between was not', (t) => {
  const index = createPathIndex(['a', 'a/b/c', 'ab', 'd/e']);
  t.deepEqual([...index.list('')], ['a', 'ab', 'd']);
  t.deepEqual(index.below('a'), ['a', 'a/b', 'a/b/c']);
  t.deepEqual(index.takeBelow('a'), ['a/b', 'a/b/c']);
  t.deepEqual(index.below('a'), ['a']);
  index.add('a/x');
  t.deepEqual(index.below('a'), ['a', 'a/x']);
  t.deepEqual(index.below('no'), ['no']);
});
