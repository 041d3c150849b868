import type { ExpectationResult } from '../model/result/boot.js';
import { type Expectation, nameExpectation } from '../model/result/expectation.js';
import type { Report, Stage } from '../model/result/report.js';
import { describeReached } from './reached.js';
import { describeCached } from './text.js';

/** One thing that a run checked. */
export interface Check {
  readonly stage: Stage;
  /** Unique within the stage. */
  readonly name: string;
  /** `error`: a fault of the machine prevented the check. */
  readonly result: 'passed' | 'failed' | 'error' | 'skipped';
  /** Why it did not pass, or what was found. */
  readonly note?: string | undefined;
  readonly seconds?: number | undefined;
}

const order: readonly Stage[] = [
  'configure',
  'unpack',
  'plan',
  'patch',
  'repack',
  'validate',
  'verify',
  'publish',
];

const names: Readonly<Record<Stage, string>> = {
  configure: 'the request is complete',
  unpack: 'the image can be read',
  plan: 'the patches fit, and everything that the build needs is there',
  patch: 'the patches can be applied',
  repack: 'the new image can be written',
  validate: 'the output differs from the input by the patches alone',
  verify: 'the image boots',
  publish: 'the new image is published',
};

const notReached = 'not reached';

/** The checks of a run in their order; those that a failure prevented are `skipped`. */
export function listChecks(report: Report): Check[] {
  const failing = findFailingStage(report);
  const checks = order.flatMap((stage) => {
    const check = checkStage(report, stage, failing);
    if (check === undefined) return [];
    if (stage === 'patch') return [...listSteps(report, check), ...checkTwice(report), check];
    if (stage === 'validate') return listHazards(report, check);
    return stage === 'verify' ? [check, ...listExpectations(report)] : [check];
  });
  return numberNames(checks);
}

/** A build whose boot is refused ends in its last stage, yet failed in the boot. */
function findFailingStage({ failed, stage, boot }: Report): Stage | undefined {
  if (boot?.verdict === 'refused') return 'verify';
  return failed ? stage : undefined;
}

function checkStage(report: Report, stage: Stage, failing: Stage | undefined): Check | undefined {
  const { stages, error, boot } = report;
  const check = (result: Check['result'], note?: string): Check => ({
    stage,
    name: names[stage],
    result,
    note,
    seconds: result === 'skipped' || stages[stage] === undefined ? undefined : stages[stage] / 1000,
  });
  if (stage === failing) {
    const isMachine = error?.kind === 'infrastructure' || error?.kind === 'interrupted';
    return check(isMachine ? 'error' : 'failed', boot?.reason ?? error?.message);
  }
  if (failing !== undefined && order.indexOf(stage) > order.indexOf(failing)) {
    // `verify` boots an image and publishes none.
    const isExpected = stage !== 'publish' || failing !== 'verify' || stages.repack !== undefined;
    return isExpected ? check('skipped', notReached) : undefined;
  }
  if (stage === 'configure') return check('passed');
  if (stages[stage] === undefined) return undefined;
  if (stage === 'verify' && boot === undefined) return check('skipped', 'not booted');
  return check('passed', stage === 'verify' ? boot && describeReached(boot) : undefined);
}

function listSteps({ plan, steps }: Report, whole: Check): Check[] {
  return (plan?.steps ?? []).map(({ patch, summary }, index) => {
    const check = { stage: whole.stage, name: `${patch}: ${summary}` };
    const done = steps[index];
    if (done !== undefined) {
      const note = done.cached ? describeCached(done.proven) : done.changed ? undefined : 'already done';
      return { ...check, result: 'passed', note, seconds: done.durationMs / 1000 };
    }
    const isNext = index === steps.length && whole.result !== 'skipped';
    return isNext
      ? { ...check, result: whole.result, note: whole.note }
      : { ...check, result: 'skipped', note: notReached };
  });
}

/** Only with `--twice`. */
function checkTwice({ twice }: Report): Check[] {
  if (twice === undefined) return [];
  const note = twice.map(({ path, what }) => `${path} (${what})`).join(', ') || undefined;
  const name = 'a second run of the steps makes the same';
  return [{ stage: 'patch', name, result: twice.length === 0 ? 'passed' : 'failed', note }];
}

function listHazards({ error }: Report, whole: Check): Check[] {
  const hazards = { stage: whole.stage, name: 'no new hazard prevents a boot' };
  if (whole.result === 'failed' && error?.code === 'boot-hazard')
    return [
      { ...whole, result: 'passed', note: undefined },
      { ...hazards, result: 'failed', note: whole.note },
    ];
  if (whole.result === 'passed') return [whole, { ...hazards, result: 'passed' }];
  return [whole, { ...hazards, result: 'skipped', note: notReached }];
}

function listExpectations({ boot }: Report): Check[] {
  const { paths = 0, differences: found = [] } = boot?.attestation ?? {};
  const attested: Check = {
    stage: 'verify',
    name: 'the guest has unpacked what the image holds',
    result: found.length === 0 ? 'passed' : 'failed',
    note: found.map(({ path, what }) => `${path} (${what})`).join(', ') || `${paths} paths`,
  };
  const expected = (boot?.expectations ?? []).map(
    ({ expectation, patch, met, found }: ExpectationResult): Check => ({
      stage: 'verify',
      name: patch === undefined ? nameCheck(expectation) : `${patch}: ${nameCheck(expectation)}`,
      result: met ? 'passed' : 'failed',
      note: found,
    }),
  );
  return boot?.attestation === undefined ? expected : [attested, ...expected];
}

function nameCheck(expectation: Expectation): string {
  if ('console' in expectation) return `the console shows ${expectation.console}`;
  return 'file' in expectation ? `the guest has ${expectation.file}` : nameExpectation(expectation);
}

/** CI systems merge two cases of one name. */
function numberNames(checks: readonly Check[]): Check[] {
  const seen = new Map<string, number>();
  return checks.map((check) => {
    const key = `${check.stage} ${check.name}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? check : { ...check, name: `${check.name} (${count})` };
  });
}
