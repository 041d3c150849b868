import test from 'ava';
import { explainRights, probeLocal } from '#src/engine/local/probe.js';

const everything = 'Name:\tnode\nCapEff:\t000001ffffffffff\n';
const wholeMap = '         0          0 4294967295\n';

test('a root with every right can make a folder for every user', (t) => {
  t.is(explainRights(everything, wholeMap), undefined);
});

test('the rights of an ordinary container are named as missing', (t) => {
  // What Docker gives by default: 00000000a80425fb.
  const told = explainRights('CapEff:\t00000000a80425fb\n', wholeMap);
  t.false(told?.ready);
  t.is(told?.reason, 'this process is root without CAP_SYS_ADMIN');
  t.regex(told?.hint ?? '', /--privileged/);
});

test('root of a user namespace is not enough', (t) => {
  const told = explainRights(everything, '0 100000 65536\n');
  t.regex(told?.reason ?? '', /user namespace/);
});

test('the probe tries, and says why in one sentence', async (t) => {
  const told = await probeLocal();
  t.log(told.reason);
  t.notRegex(told.reason, /\n/);
  if (told.ready) t.is(process.getuid?.(), 0);
  else t.truthy(told.hint);
});
