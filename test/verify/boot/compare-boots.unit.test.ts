import test from 'ava';
import type { BootResult } from '#src/model/result/boot.js';
import { describeStock } from '#src/report/proof/stock.js';
import { compareBoots } from '#src/verify/boot/compare-boots.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
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

test('the last whole survey of a guest counts', (t) => {
  const nonce = 'ab'.repeat(16);
  const seen = createObservation(nonce, [], () => {});
  const tell = (...lines: string[]) =>
    seen.pushProbe(
      Buffer.from(lines.map((line) => `moby-patch-verify ${nonce} survey ${line} .\n`).join('')),
      1,
    );
  t.is(seen.survey.result(), undefined);
  tell('begin', 'service old started', 'memory 7', 'end');
  tell('begin', 'service ssh.service active running', 'process a b', 'end', 'begin', 'service torn x');
  t.deepEqual(seen.survey.result(), {
    services: [
      { name: 'a b', state: 'runs' },
      { name: 'ssh.service', state: 'active running' },
    ],
    memory: undefined,
  });
});
