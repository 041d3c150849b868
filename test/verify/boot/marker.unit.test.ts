import test from 'ava';
import { isMarkerLine, parseMarker } from '#src/verify/boot/probe/marker.js';

const nonce = '0123456789abcdef0123456789abcdef';
const line = (text: string) => `moby-patch-verify ${nonce} ${text} .`;

test('the lines of the probe are parsed', (t) => {
  t.deepEqual(parseMarker(line('reached default runlevel'), nonce), {
    kind: 'reached',
    what: 'default runlevel',
  });
  t.deepEqual(parseMarker(line('reached runlevel nonetwork'), nonce), {
    kind: 'reached',
    what: 'runlevel',
    runlevel: 'nonetwork',
  });
  t.deepEqual(parseMarker(line('reached runlevel'), nonce), { kind: 'reached', what: 'runlevel' });
  const maintenance = { kind: 'maintenance', mode: 'emergency' } as const;
  t.deepEqual(parseMarker(line('maintenance emergency '), nonce), { ...maintenance, failed: '' });
  t.deepEqual(parseMarker(line('maintenance emergency a.mount, b.service'), nonce), {
    ...maintenance,
    failed: 'a.mount, b.service',
  });
  t.deepEqual(parseMarker(line('elsewhere off'), nonce), { kind: 'elsewhere', runlevel: 'off' });
  t.deepEqual(parseMarker(`moby login: ${line('reached init')}`, nonce), { kind: 'reached', what: 'init' });
  t.deepEqual(parseMarker(line('check 3 ok'), nonce), { kind: 'check', index: 3, ok: true, found: '' });
  t.deepEqual(parseMarker(line('check 0 no a b'), nonce), {
    kind: 'check',
    index: 0,
    ok: false,
    found: 'a b',
  });
  t.deepEqual(parseMarker(line('output 2  indented'), nonce), {
    kind: 'output',
    index: 2,
    line: ' indented',
  });
  t.deepEqual(parseMarker(line('started'), nonce), { kind: 'started' });
  t.deepEqual(parseMarker(line('alive 12 1 3'), nonce), {
    kind: 'alive',
    rounds: 12,
    children: 1,
    mounts: 3,
  });
  for (const [kind, text] of [
    ['handed', 'ext4'],
    ['disks', 'vda vda1'],
  ] as const)
    t.deepEqual(parseMarker(line(`${kind} ${text}`), nonce), { kind, text });
  t.deepEqual(parseMarker(line('warning the service x failed'), nonce), {
    kind: 'warning',
    text: 'the service x failed',
  });
});

test('a torn or forged line, or one of another boot, is no marker', (t) => {
  for (const text of [
    line('reached init').slice(0, -2),
    line('reached in'),
    line('reached nothing'),
    line('check 99999999 ok'),
    line('check 1 fine'),
    `moby-patch-verify ${nonce.replace('0', '1')} reached init .`,
    'moby-patch-verify reached init .',
  ])
    t.is(parseMarker(text, nonce), undefined, text);
});

test('a kernel message that names the probe is no marker', (t) => {
  t.true(isMarkerLine(line('reached init')));
  t.false(isMarkerLine('[    2.4] Run /moby-patch-verify as init process'));
});
