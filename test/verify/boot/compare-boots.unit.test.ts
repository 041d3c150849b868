import test from 'ava';
import type { BootResult } from '#src/model/result/boot.js';
import { describeStock } from '#src/report/proof/stock.js';
import { compareBoots } from '#src/verify/boot/compare-boots.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { decideEnd, type End, judge } from '#src/verify/boot/judge/verdict.js';
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
      kind: 'services',
      settled: true,
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
      kind: 'services',
      settled: true,
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
    /** A report of the probe at the end of a survey: the seconds for which process 1 has its name, then processes, as `7 sleep`. */
    look(rounds: number, ...processes: string[]) {
      tell(`alive ${rounds} 1 1`, 'survey begin', ...processes.map((each) => `survey process ${each}`));
      tell('survey end', 'reached init');
    },
  };
}

type Guest = ReturnType<typeof observe>;

function compare(stock: Guest, patched: Guest) {
  return compareBoots(
    { boot: createBoot({ survey: stock.seen.survey.result() }), console: '' },
    { boot: createBoot({ survey: patched.seen.survey.result() }), console: '' },
  );
}

test('the last whole survey of a guest counts', (t) => {
  const { seen, tell } = observe();
  t.is(seen.survey.result(), undefined);
  tell('begin', 'service old started', 'memory 7', 'end');
  for (let round = 1; round <= 3; round++) tell('begin', 'service ssh.service active running', 'end');
  tell('begin', 'service torn x');
  t.deepEqual(seen.survey.result(), {
    kind: 'services',
    services: [{ name: 'ssh.service', state: 'active running' }],
    settled: true,
    memory: undefined,
  });
});

test('a service has a state once it has kept it for three looks', (t) => {
  const { seen, tell } = observe();
  const look = (state: string) => tell('begin', 'service a started', `service b ${state}`, 'end');
  for (const state of ['inactive', 'started', 'started']) look(state);
  const changing = [
    { name: 'a', state: 'started' },
    { name: 'b', state: 'changes' },
  ];
  t.like(seen.survey.result(), { services: changing, settled: false });
  look('started');
  t.like(seen.survey.result(), { services: [changing[0], { name: 'b', state: 'started' }], settled: true });
});

test('programs are compared only when none has come to stay, or has gone, for ten looks', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 13; round++) {
    stock.look(round, '1 init', '20 a b', '30 late');
    patched.look(round, '1 init', '25 a b', ...(round > 6 ? ['35 late'] : []));
  }
  t.true(stock.seen.survey.result()?.settled);
  t.false(patched.seen.survey.result()?.settled);
  const early = compare(stock, patched);
  t.like(early, { services: [], unsettled: true });
  t.true(describeStock(early).includes('programs: not compared: they still came and went when a boot ended'));
  for (let round = 14; round <= 20; round++) patched.look(round, '1 init', '25 a b', '35 late');
  t.like(compare(stock, patched), { services: [], unsettled: undefined });
});

test('what a guest runs for a moment is no difference', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 40; round++) {
    // Each of them is another process, as of a script that never ends.
    stock.look(round, '1 init', '20 script', `${100 + round} ${round % 2 === 0 ? 'grep' : 'sed'}`);
    patched.look(round, '1 init', '25 script', ...(round % 3 === 0 ? [`${200 + round} cut`] : []));
  }
  t.like(stock.seen.survey.result(), {
    services: [
      { name: 'grep', state: 'comes and goes' },
      { name: 'init', state: 'runs' },
      { name: 'script', state: 'runs' },
      { name: 'sed', state: 'comes and goes' },
    ],
    settled: true,
  });
  t.like(compare(stock, patched), { services: [], unsettled: undefined });
});

test('a program of a loop runs although no process of it lives long', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 30; round++) {
    const turn = Math.floor(round / 5);
    stock.look(round, '1 init', ...(round % 5 === 0 ? [`${200 + round} cut`] : [`${100 + turn} sleep`]));
    patched.look(round, '1 init', `${300 + turn} sleep`);
  }
  t.like(stock.seen.survey.result(), { settled: true });
  t.like(compare(stock, patched), { services: [], unsettled: undefined });
});

test('a program that runs in one guest alone is a difference, also where it is started again and again', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 15; round++) {
    stock.look(round, '1 init', '20 server', '30 old');
    patched.look(round, '1 init', `${100 + round} server`, '40 new');
  }
  t.deepEqual(compare(stock, patched).services, [
    { name: 'old', stock: 'runs', patched: undefined },
    { name: 'server', stock: 'runs', patched: 'comes and goes' },
    { name: 'new', stock: undefined, patched: 'runs' },
  ]);
});

test('a list of services is not held against one of programs', (t) => {
  const stock = observe();
  const patched = observe();
  for (let round = 1; round <= 15; round++) {
    stock.tell('begin', 'service a started', 'end');
    patched.look(round, '1 init');
  }
  t.like(compare(stock, patched), { services: [], unsettled: true });
});

test('a guest whose programs are compared may come to rest, but not for ever', (t) => {
  const terms = { init: 'other', timeout: 300, accelerator: 'tcg' } as const;
  const { seen, look } = observe();
  for (let round = 1; round <= 25; round++) look(round, '1 init', ...(round > 20 ? ['9 late'] : []));
  t.is(decideEnd(seen, terms, 26), 61);
  t.is(decideEnd(seen, { ...terms, timeout: 40 }, 26), 40);
  t.deepEqual(decideEnd(seen, { ...terms, timeout: 40 }, 40), { kind: 'settled' });
  t.deepEqual(decideEnd(seen, terms, 61), { kind: 'settled' });
  for (let round = 26; round <= 35; round++) look(round, '1 init', '9 late');
  t.deepEqual(decideEnd(seen, terms, 36), { kind: 'settled' });
});

test('what a guest does after it has shown all is for the comparison, and no verdict', (t) => {
  const reset: End = {
    kind: 'exited',
    exit: { exitCode: 0, signal: null, message: '', cause: 'guest-reset' },
  };
  const terms = { init: 'other', timeout: 60, accelerator: 'tcg' } as const;
  const end = (...lines: string[]) => {
    const seen = createObservation(nonce, [{ console: 'rack b12' }], () => {});
    const all = ['alive 3 1 1', ...lines, 'reached init'];
    seen.pushProbe(Buffer.from(all.map((line) => `moby-patch-verify ${nonce} ${line} .\n`).join('')), 1);
    return {
      show: (text: string) => seen.push(Buffer.from(text), 2),
      judge: () => judge(seen, reset, terms, 9),
    };
  };
  const compared = end('survey begin', 'survey process 1 init', 'survey end');
  t.is(compared.judge(), 'the guest restarted itself after 9.0 s, before its system was up');
  compared.show('rack b12\n');
  t.is(compared.judge(), undefined);
  const alone = end();
  alone.show('rack b12\n');
  t.regex(alone.judge() ?? '', /^the guest restarted itself after 9\.0 s/);
});
