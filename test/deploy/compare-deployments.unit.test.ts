import test from 'ava';
import { findConflicts } from '#src/deploy/compare-deployments.js';
import { findDrift } from '#src/format/package-drift.js';

test('a conflict is a file that upstream changed and the patch replaces with the same content as before', (t) => {
  const before = [
    { path: 'replaced', before: 'a1', after: 'ours' },
    { path: 'edited', before: 'b1', after: 'b1+line' },
    { path: 'same', before: 'c1', after: 'ours' },
    { path: 'ours', after: 'ours' },
    { path: 'removed', before: 'e1' },
    { path: 'adopted', before: 'f1', after: 'f2' },
  ];
  const now = [
    { path: 'replaced', before: 'a2', after: 'ours' },
    { path: 'edited', before: 'b2', after: 'b2+line' },
    { path: 'same', before: 'c1', after: 'ours' },
    { path: 'ours', before: 'theirs', after: 'ours' },
    { path: 'removed', before: 'e2' },
    { path: 'adopted', before: 'f2', after: 'f2' },
    { path: 'new', before: 'g1', after: 'g2' },
  ];
  t.deepEqual(findConflicts(before, now), [
    { path: 'replaced', upstream: 'changed' },
    { path: 'ours', upstream: 'added' },
    { path: 'removed', upstream: 'changed' },
  ]);
});

test('drift names every package whose version changed', (t) => {
  t.deepEqual(findDrift({ a: '1', b: '1', c: '1' }, { a: '1', b: '2', d: '1' }), [
    { name: 'b', before: '1', after: '2' },
    { name: 'c', before: '1', after: undefined },
    { name: 'd', before: undefined, after: '1' },
  ]);
});

test('a package may have the name of what every object has', (t) => {
  t.deepEqual(findDrift({ toString: '1' }, { constructor: '2', toString: '1' }), [
    { name: 'constructor', before: undefined, after: '2' },
  ]);
});
