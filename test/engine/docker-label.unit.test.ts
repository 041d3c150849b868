import test from 'ava';
import { createOwner, formatLabel, parseLabel } from '#src/engine/docker/label.js';

test('a label names its process as a record does, also one of an earlier version; anything else is none', (t) => {
  const owner = createOwner();
  t.deepEqual(parseLabel(formatLabel(owner)), owner);
  const { host, pid, run } = owner;
  t.deepEqual(parseLabel(`${host}/${pid}/${run}`), { host, pid, run, begun: '', boot: '', namespace: '' });
  for (const text of ['', 'x', `${host}/0/${run}`, `/${pid}/${run}`, `${formatLabel(owner)}/more`])
    t.is(parseLabel(text), undefined, text);
});
