import test from 'ava';
import { createBoundedRunner } from '#src/io/process/bounded.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { addDefaults, type Expectation } from '#src/model/result/expectation.js';
import { explainUnmet, watchExpectations } from '#src/verify/boot/judge/expectations.js';

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
  watch.seeCheck({ kind: 'check', index: 0, ok: false, found: 'nothing at this path' }, 1);
  t.is(watch.results()[0]?.found, 'nothing at this path');
  watch.seeCheck({ kind: 'check', index: 0, ok: false, found: 'other content, which starts with "y"' }, 2);
  t.regex(
    explainUnmet(watch.results()) ?? '',
    /etc\/late in the guest: wanted "x", found other content, which starts with "y"/,
  );
  watch.seeCheck({ kind: 'check', index: 0, ok: true, found: '' }, 3);
  t.is(explainUnmet(watch.results()), undefined);
  watch.seeCheck({ kind: 'check', index: 7, ok: true, found: '' }, 4);
  t.is(watch.results().length, 1);
});

test('a text that is no regular expression is invalid input', (t) => {
  const error = t.throws(() => watchExpectations([{ console: 'a(' }]));
  t.true(error instanceof MobyPatchError && error.kind === 'invalid');
  t.notThrows(() => watchExpectations([{ console: 'a\\-b' }]));
});

test('an expression that takes too long on a line is an error at its place, and no further line is tried', (t) => {
  const at = { file: 'patch.yaml', line: 7, column: 14 };
  const watch = watchExpectations(
    [{ console: '^fine$' }, { console: '^(a+)+$', at }],
    createBoundedRunner(50),
  );
  watch.seeLines(['fine', `${'a'.repeat(44)}b`], 1);
  t.like(watch.fault(), { kind: 'invalid', code: 'expectation-slow', path: 'patch.yaml:7:14' });
  watch.seeLines(['aaa'], 2);
  t.false(watch.areMet());
  t.deepEqual(watch.results()[1]?.expectation, { console: '^(a+)+$' });
});

test('the output of a command is held against its pattern, and a run that fitted counts', (t) => {
  const watch = watchExpectations([{ command: 'uptime', output: '^load' }]);
  const run = (line: string, ok: boolean) => {
    watch.seeOutput({ kind: 'output', index: 0, line });
    watch.seeCheck({ kind: 'check', index: 0, ok, found: `exit code ${ok ? 0 : 1}` }, 2);
  };
  run('nothing yet', true);
  t.like(watch.results()[0], { met: false, found: 'exit code 0, "nothing yet"' });
  run('load', false);
  t.false(watch.areMet());
  run('load 0.1', true);
  run('over', false);
  t.like(watch.results()[0], { met: true, found: 'exit code 0, "load 0.1"' });
});

test('in an output ^ and $ match at every line', (t) => {
  const watch = watchExpectations([{ command: 'ls', output: '^b$' }]);
  for (const line of ['a', 'b', 'c']) watch.seeOutput({ kind: 'output', index: 0, line });
  watch.seeCheck({ kind: 'check', index: 0, ok: true, found: 'exit code 0' }, 2);
  t.true(watch.areMet());
});

test('what comes too late is not met, and says so', (t) => {
  const watch = watchExpectations([{ service: 'sshd', within: 20 }, { within: 10 }, { poweroff: true }]);
  for (const seconds of [21, 22, 23])
    watch.seeCheck({ kind: 'check', index: 0, ok: true, found: 'started' }, seconds);
  watch.seeUp(9.5);
  t.deepEqual(
    watch.results().map(({ met, found, late }) => ({ met, found, late })),
    [
      { met: false, found: 'started after 21.0 s: too late, wanted within 20 s', late: true },
      { met: true, found: 'after 9.5 s', late: undefined },
      { met: false, found: 'it went on', late: undefined },
    ],
  );
  t.is(
    explainUnmet(watch.results()),
    'service sshd: started after 21.0 s: too late, wanted within 20 s; the guest did not switch itself off',
  );
  t.true(watch.wantsPoweroff());
  watch.seePoweroff(30);
  t.true(watch.results()[2]?.met);
});

test('failed services refuse a boot unless something else is said', (t) => {
  t.deepEqual(addDefaults([{ console: 'x' }]), [{ console: 'x' }, { 'no-failed-services': true }]);
  for (const said of [{ 'no-failed-services': false }, { poweroff: true }] as const)
    t.deepEqual(addDefaults([said]), [said]);
  t.true(watchExpectations([{ 'no-failed-services': false }]).areMet());
  const silent = watchExpectations([{ 'no-failed-services': true }]);
  t.is(explainUnmet(silent.results()), 'the guest did not report on its services');
});

test('services that several allow to fail are allowed together', (t) => {
  const allow = (...except: string[]) => ({ 'no-failed-services': true, except });
  t.deepEqual(addDefaults([allow('a'), { console: 'x' }, allow('b'), { 'no-failed-services': true }]), [
    allow('a', 'b'),
    { console: 'x' },
  ]);
  t.deepEqual(addDefaults([allow('a'), { 'no-failed-services': false }]), [{ 'no-failed-services': false }]);
});

test('an answer of a port that takes the expression too long is a fault, too', (t) => {
  const watch = watchExpectations([{ port: 80, answer: '^(a+)+$' }], createBoundedRunner(50));
  t.true(watch.isAnswer(0, 'aaa'));
  t.false(watch.isAnswer(0, `${'a'.repeat(40)}!`));
  t.is(watch.fault()?.code, 'expectation-slow');
});

test("what Debian's rc of sysvinit prints as failed refuses the boot where the probe found sysvinit", (t) => {
  const line = '[FAIL] startpar: service(s) returned failure: broken ntp@1 ... failed!';
  const tell = (expectation: Expectation, lines: readonly string[], found: string) => {
    const watch = watchExpectations([expectation]);
    watch.seeLines(lines, 1);
    watch.seeCheck({ kind: 'check', index: 0, ok: true, found }, 2);
    return explainUnmet(watch.results());
  };
  const strict: Expectation = { 'no-failed-services': true };
  const onConsole = 'none was named on the console';
  t.is(tell(strict, [line], onConsole), 'services failed: broken, ntp@1');
  t.is(tell(strict, ['startpar: service(s) returned failure: broken'], onConsole), 'services failed: broken');
  t.is(tell(strict, [], onConsole), undefined);
  t.is(tell({ ...strict, except: ['broken'] }, [line], onConsole), 'services failed: ntp@1');
  t.is(tell({ 'no-failed-services': false }, [line], onConsole), undefined);
  // A text of any program, elsewhere.
  t.is(tell(strict, [line], 'nothing keeps a list of them'), undefined);
  const watch = watchExpectations([strict]);
  watch.seeCheck({ kind: 'check', index: 0, ok: true, found: onConsole }, 1);
  watch.seeLines([line], 1.2);
  t.false(watch.areMet());
});

test('a service has to stay the same for three looks, and so has a list without a failed one', (t) => {
  const watch = watchExpectations([{ service: 'a' }, { 'no-failed-services': true }]);
  let seconds = 4;
  const look = (index: number, found: string, ok = true) =>
    watch.seeCheck({ kind: 'check', index, ok, found }, seconds++);
  for (const number of [7, 8, 9, 9]) look(0, `process ${number} has the name`);
  t.like(watch.results()[0], { met: false, found: 'process 9 has the name, but has not stayed' });
  t.is(watch.staying(), 27);
  look(0, 'no process has the name', false);
  t.is(watch.staying(), 0);
  for (let turn = 0; turn < 3; turn++) look(0, 'process 9 has the name');
  t.like(watch.results()[0], { met: true, seconds: 9, found: 'process 9 has the name' });
  look(1, 'none');
  look(1, 'b.service', false);
  for (let turn = 0; turn < 2; turn++) look(1, 'none');
  t.false(watch.areMet());
  look(1, 'none');
  t.true(watch.areMet());
});
