import test from 'ava';
import type { ErrorCode } from '#src/model/error/error-code.js';
import type { Report } from '#src/model/result/report.js';
import { listChecks } from '#src/report/checks.js';
import { createReport, createStep } from './reports.js';

/** `stage result name` of each check, without the stages that passed. */
function list(report: Report): string[] {
  return listChecks(report).map(({ stage, result, name }) => `${stage} ${result}: ${name}`);
}

const error = { kind: 'failed', code: 'command-failed', message: 'no' } as const;
const hazard = 'no new hazard prevents a boot';
const differs = 'the output differs from the input by the patches alone';

test('all checks of a passed build pass, one for each expectation', (t) => {
  const checks = listChecks(createReport());
  t.deepEqual([...new Set(checks.map(({ result }) => result))], ['passed']);
  t.deepEqual(
    checks.map(({ stage }) => stage),
    [
      'configure',
      'unpack',
      'plan',
      'patch',
      'patch',
      'repack',
      'validate',
      'validate',
      'verify',
      'verify',
      'verify',
      'publish',
    ],
  );
  t.like(checks.at(-2), { name: 'the guest has /etc/motd', note: 'as expected' });
  t.is(checks[3]?.seconds, 1.2);
});

test('a failing step is named, and the checks after it are not reached', (t) => {
  const { plan } = createReport();
  const [step] = plan?.steps ?? [];
  if (plan === undefined || step === undefined) throw new Error('the sample has a plan');
  const steps = ['one', 'two', 'three'].map((summary) => ({ ...step, summary }));
  const report = createReport({
    failed: true,
    stage: 'patch',
    plan: { ...plan, steps },
    steps: [createStep({ summary: 'one' })],
    boot: undefined,
    stages: { unpack: 1, plan: 1, patch: 1 },
    error,
  });
  t.deepEqual(list(report).slice(3), [
    'patch passed: motd: one',
    'patch failed: motd: two',
    'patch skipped: motd: three',
    'patch failed: the patches can be applied',
    'repack skipped: the new image can be written',
    `validate skipped: ${differs}`,
    `validate skipped: ${hazard}`,
    'verify skipped: the image boots',
    'publish skipped: the new image is published',
  ]);
});

test('a refused boot fails in its own stage, not where the build ended', (t) => {
  const { boot } = createReport();
  if (boot === undefined) throw new Error('the sample has a boot');
  const expectations = [{ expectation: { console: 'ready' }, met: false, found: 'no such line' }];
  const refused = { ...boot, verdict: 'refused', reason: 'it said nothing', expectations } as const;
  const report = createReport({ failed: true, boot: refused, error: { ...error, kind: 'boot' } });
  t.deepEqual(list(report).slice(-4), [
    'verify failed: the image boots',
    'verify passed: the guest has unpacked what the image holds',
    'verify failed: the console shows ready',
    'publish skipped: the new image is published',
  ]);
  t.is(listChecks(report).at(-4)?.note, 'it said nothing');
  // The command `verify` publishes no image.
  const alone = createReport({
    failed: true,
    stage: 'verify',
    plan: undefined,
    boot: refused,
    stages: { unpack: 1, verify: 1 },
  });
  t.deepEqual(
    listChecks(alone).map(({ stage }) => stage),
    ['configure', 'unpack', 'verify', 'verify', 'verify'],
  );
});

test('a new hazard and a wrong output are different checks', (t) => {
  const report = (code: ErrorCode) =>
    list(
      createReport({ failed: true, stage: 'validate', boot: undefined, error: { ...error, code } }),
    ).filter((line) => line.startsWith('validate'));
  t.deepEqual(report('boot-hazard'), [`validate passed: ${differs}`, `validate failed: ${hazard}`]);
  t.deepEqual(report('output-differs'), [`validate failed: ${differs}`, `validate skipped: ${hazard}`]);
});

test('a fault of the machine is an error, not a failure', (t) => {
  const infrastructure = { ...error, kind: 'infrastructure' } as const;
  const report = createReport({ failed: true, stage: 'verify', boot: undefined, error: infrastructure });
  t.true(list(report).includes('verify error: the image boots'));
});

test('the boot of a build without one is skipped', (t) => {
  const report = createReport({ boot: undefined });
  t.true(list(report).includes('verify skipped: the image boots'));
});

test('two steps with the same name are two checks', (t) => {
  const { plan } = createReport();
  const [step] = plan?.steps ?? [];
  if (plan === undefined || step === undefined) throw new Error('the sample has a plan');
  const report = createReport({
    plan: { ...plan, steps: [step, step] },
    steps: [createStep(), createStep()],
  });
  const names = list(report).filter((line) => line.includes('motd'));
  t.deepEqual(names.slice(0, 2), [
    'patch passed: motd: file etc/motd',
    'patch passed: motd: file etc/motd (2)',
  ]);
});

test('a plan has the checks of a plan', (t) => {
  const report = createReport({ stage: 'plan', steps: [], boot: undefined, stages: { unpack: 1, plan: 1 } });
  t.deepEqual(
    listChecks(report).map(({ stage }) => stage),
    ['configure', 'unpack', 'plan'],
  );
});

test('a guest that was to end by itself is said to have done so', (t) => {
  const { boot } = createReport();
  const ended = boot && { ...boot, reached: 'nothing' as const };
  const find = (more: Partial<Report['boot'] & object>) =>
    listChecks(createReport({ boot: ended && { ...ended, ...more } })).find(({ stage }) => stage === 'verify')
      ?.note;
  t.is(find({ stages: [{ name: 'power-off', state: 'reached', seconds: 4 }] }), 'it switched itself off');
  t.is(find({}), 'it showed what was expected');
});
