import test from 'ava';
import type { BootResult } from '#src/model/result/boot.js';
import { describeStock } from '#src/report/proof/stock.js';
import { compareBoots } from '#src/verify/boot/compare-boots.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { decideEnd } from '#src/verify/boot/judge/verdict.js';
import { createReport } from '../../report/reports.js';

function createBoot(fields: Partial<BootResult>): BootResult {
  const { boot } = createReport();
  if (boot === undefined) throw new Error('the sample has a boot');
  return { ...boot, ...fields };
}

test('what two boots have in common is not told', (t) => {
  const stock = createBoot({
    stages: [
      { name: 'kernel', state: 'reached', seconds: 1 },
      { name: 'system', state: 'reached', seconds: 9 },
    ],
    survey: {
      services: [
        { name: 'a', state: 'started' },
        { name: 'b', state: 'started' },
        { name: 'gone', state: 'started' },
      ],
      memory: 2048,
    },
  });
  const patched = createBoot({
    stages: [
      { name: 'kernel', state: 'reached', seconds: 1.5 },
      { name: 'attested', state: 'reached', seconds: 2 },
      { name: 'system', state: 'failed' },
    ],
    survey: {
      services: [
        { name: 'a', state: 'started' },
        { name: 'b', state: 'failed' },
        { name: 'new', state: 'started' },
      ],
      memory: 4096,
    },
  });
  const before = '[    1.000000] disk error 4\nall is well\n';
  const after =
    '[    0.000000] Command line: panic=5 rdinit=/x\n[    2.000000] disk error 77\nall is well\nx: cannot read /a1\nx: cannot read /a2\n';
  const found = compareBoots({ boot: stock, console: before }, { boot: patched, console: after });
  t.deepEqual(describeStock(found), [
    'passed: init reached in 3.0 s',
    'time: kernel 1.0 -> 1.5 s, system 9.0 -> not reached',
    'memory in use: 2 -> 4 MiB',
    'service b: started -> failed',
    'service gone: started -> absent',
    'service new: absent -> started',
    'new on the console: x: cannot read /a1',
  ]);
});

const nonce = 'ab'.repeat(16);

function observe() {
  const seen = createObservation(nonce, [], () => {});
  const tell = (...lines: string[]) =>
    seen.pushProbe(Buffer.from(lines.map((line) => `moby-patch-verify ${nonce} ${line} .\n`).join('')), 1);
  return {
    seen,
    tell: (...lines: string[]) => tell(...lines.map((line) => `survey ${line}`)),
    /** A report of the probe at the end of a survey: the seconds for which process 1 has its name, then the programs. */
    look(rounds: number, ...programs: string[]) {
      tell(`alive ${rounds} 1 1`, 'survey begin', ...programs.map((name) => `survey process ${name}`));
      tell('survey end', 'reached init');
    },
  };
}

test('the last whole survey of a guest counts', (t) => {
  const { seen, tell } = observe();
  t.is(seen.survey.result(), undefined);
  tell('begin', 'service old started', 'memory 7', 'end');
  tell('begin', 'service ssh.service active running', 'end', 'begin', 'service torn x');
  t.deepEqual(seen.survey.result(), {
    services: [{ name: 'ssh.service', state: 'active running' }],
    memory: undefined,
  });
});

test('programs are compared only when none that is new has come for ten looks', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 12; round++) {
    stock.look(round, 'init', 'a b', ...(round % 3 === 0 ? ['sleep'] : []), ...(round > 1 ? ['late'] : []));
    patched.look(round, 'init', 'a b', ...(round % 3 === 1 ? ['sleep'] : []), ...(round > 6 ? ['late'] : []));
  }
  const compare = () =>
    compareBoots(
      { boot: createBoot({ survey: stock.seen.survey.result() }), console: '' },
      { boot: createBoot({ survey: patched.seen.survey.result() }), console: '' },
    );
  t.false(patched.seen.survey.result()?.settled);
  t.like(compare(), { services: [], unsettled: true });
  t.true(
    describeStock(compare()).includes('programs: not compared: they still came and went when a boot ended'),
  );
  for (let round = 13; round <= 24; round++) {
    stock.look(round, 'init', 'a b', 'late', ...(round % 5 === 0 ? ['sleep'] : []));
    patched.look(round, 'init', 'a b', 'late', ...(round % 5 === 1 ? ['sleep'] : []));
  }
  t.deepEqual(stock.seen.survey.result()?.services, [
    { name: 'a b', state: 'runs' },
    { name: 'init', state: 'runs' },
    { name: 'late', state: 'runs' },
    { name: 'sleep', state: 'runs' },
  ]);
  t.like(compare(), { services: [], unsettled: undefined });
});

test('a guest whose programs are compared may come to rest, but not for ever', (t) => {
  const terms = { init: 'other', timeout: 300, accelerator: 'tcg' } as const;
  const { seen, look } = observe();
  for (let round = 1; round <= 25; round++) look(round, 'init', `program ${round}`);
  t.is(decideEnd(seen, terms, 26), 61);
  t.is(decideEnd(seen, { ...terms, timeout: 40 }, 26), 40);
  t.deepEqual(decideEnd(seen, { ...terms, timeout: 40 }, 40), { kind: 'settled' });
  t.deepEqual(decideEnd(seen, terms, 61), { kind: 'settled' });
  for (let round = 26; round <= 35; round++) look(round, 'init');
  t.deepEqual(decideEnd(seen, terms, 36), { kind: 'settled' });
});
