import test from 'ava';
import { explainRights, probeLocal } from '#src/engine/local/probe.js';

const everything = 'Name:\tnode\nCapEff:\t000001ffffffffff\n';
const wholeMap = '         0          0 4294967295\n';

test('a process with every right is ready', (t) => {
  t.is(explainRights(everything, wholeMap), undefined);
});

test('the rights that an ordinary container lacks are named', (t) => {
  // What Docker gives by default: 00000000a80425fb.
  const told = explainRights('CapEff:\t00000000a80425fb\n', wholeMap);
  t.false(told?.ready);
  t.is(told?.reason, 'this process is root without CAP_NET_ADMIN, CAP_SYS_ADMIN');
  t.regex(told?.hint ?? '', /--privileged/);
});

test('root of a user namespace needs as many user ids as an image may have', (t) => {
  const told = explainRights(everything, '0 1000 1\n');
  t.regex(told?.reason ?? '', /user namespace with 1 user ids/);
  t.regex(told?.hint ?? '', /--map-auto/);
  t.is(
    explainRights(everything, '         0       1000          1\n         1     100000      65535\n'),
    undefined,
  );
});

test('the probe tries the set-up, and gives its reason in one sentence', async (t) => {
  const told = await probeLocal();
  t.log(told.reason);
  t.notRegex(told.reason, /\n/);
  if (told.ready) t.is(process.getuid?.(), 0);
  else t.truthy(told.hint);
});
