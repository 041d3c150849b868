import test from 'ava';
import type { BootResult } from '#src/model/result/boot.js';
import { describePassed } from '#src/report/reached.js';
import { createReport } from './reports.js';

test('what a boot reached has its own time, and not that for which it was watched', (t) => {
  const { boot } = createReport();
  if (boot === undefined) return t.fail();
  const stages: BootResult['stages'] = [
    { name: 'init', state: 'reached', seconds: 27.9 },
    { name: 'system', state: 'reached', seconds: 30.7 },
    { name: 'port 22', state: 'not reached' },
  ];
  const tell = (seconds: number) => describePassed({ ...boot, reached: 'init', seconds, stages });
  t.is(tell(54.6), 'init reached in 30.7 s, and watched until 54.6 s');
  t.is(tell(31), 'init reached in 31.0 s');
  t.is(describePassed({ ...boot, reached: 'init', seconds: 5, stages: [] }), 'init reached in 5.0 s');
});
