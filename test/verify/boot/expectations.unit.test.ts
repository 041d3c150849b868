import test from 'ava';
import { MobyPatchError } from '#src/model/error.js';
import { explainUnmet, watchExpectations } from '#src/verify/boot/expectations.js';

test('a console line counts once, with its text and time', (t) => {
  const watch = watchExpectations([{ console: '^docker: started' }]);
  watch.seeLines(['not docker: started'], 1);
  t.false(watch.areMet());
  watch.seeLines(['docker: started at 3'], 3.25);
  watch.seeLines(['docker: started at 9'], 9);
  t.true(watch.areMet());
  t.is(watch.results()[0]?.found, 'docker: started at 3 (after 3.3 s)');
});

test('a line of the probe, or one that pretends to be, meets nothing', (t) => {
  const watch = watchExpectations([{ console: '.' }, { console: '^$' }]);
  watch.seeLines([`moby-patch-verify ${'0'.repeat(32)} reached init .`], 1);
  watch.seeLines([''], 1);
  t.deepEqual(
    watch.results().map(({ met }) => met),
    [false, false],
  );
});

test('the last report of the guest counts', (t) => {
  const watch = watchExpectations([{ file: 'etc/late', content: 'x' }]);
  watch.seeFile({ kind: 'file', index: 0, state: 'missing', found: '' });
  t.is(watch.results()[0]?.found, 'nothing at this path');
  watch.seeFile({ kind: 'file', index: 0, state: 'differs', found: 'y' });
  t.regex(
    explainUnmet(watch.results()) ?? '',
    /etc\/late in the guest: wanted "x", found other content, which starts with "y"/,
  );
  watch.seeFile({ kind: 'file', index: 0, state: 'ok', found: '' });
  t.is(explainUnmet(watch.results()), undefined);
  watch.seeFile({ kind: 'file', index: 7, state: 'ok', found: '' });
  t.is(watch.results().length, 1);
});

test('a text that is no regular expression is invalid input', (t) => {
  const error = t.throws(() => watchExpectations([{ console: 'a(' }]));
  t.true(error instanceof MobyPatchError && error.kind === 'invalid');
  t.notThrows(() => watchExpectations([{ console: 'a\\-b' }]));
});

test('an expression that takes too long on a line is an error at its place, and no further line is tried', (t) => {
  const at = { file: 'patch.yaml', line: 7, column: 14 };
  const watch = watchExpectations([{ console: '^fine$' }, { console: '^(a+)+$', at }]);
  watch.seeLines(['fine', `${'a'.repeat(44)}b`], 1);
  t.like(watch.fault(), { kind: 'invalid', code: 'expectation-slow', path: 'patch.yaml:7:14' });
  watch.seeLines(['aaa'], 2);
  t.false(watch.areMet());
  t.deepEqual(watch.results()[1]?.expectation, { console: '^(a+)+$' });
});
