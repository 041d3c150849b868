import test from 'ava';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { listCauses, listStages } from '#src/verify/boot/judge/stages.js';

const nonce = 'ab'.repeat(16);
const kernel = '<5>[    0.000000] Linux version 6\n';
const run = `${kernel}<6>[    2.000000] Run /init as init process\n`;
const reached = `moby-patch-verify ${nonce} reached default runlevel .\n`;
const panic = '<0>[    3.000000] Kernel panic - not syncing: ';

type Expects = Parameters<typeof createObservation>[1];

function observe(text: string, expects: Expects = []) {
  const seen = createObservation(nonce, expects, () => {});
  seen.push(Buffer.from(text), 2);
  return listStages(seen, { init: 'openrc', isPassed: false, isUp: false });
}

const endOf = (stages: ReturnType<typeof observe>) => stages.find(({ state }) => state === 'failed')?.name;

test('a boot ends at the first stage that it did not reach', (t) => {
  t.is(endOf(observe('')), 'firmware');
  t.is(endOf(observe('Probing EDD (edd=off to disable)... ok\n')), 'kernel');
  t.is(endOf(observe(kernel)), 'unpacked');
  t.is(endOf(observe(`${kernel}<0>[    1.000000] Initramfs unpacking failed: junk\n${run}`)), 'unpacked');
  t.is(endOf(observe(run)), 'system');
  t.is(endOf(observe(`${run}${panic}Attempted to kill init! exitcode=0x00000100\n`)), 'system');
  t.is(endOf(observe(`${run}${panic}Attempted to kill init! exitcode=0x00007f00\n`)), 'init');
  t.is(endOf(observe(`${run}${reached}`, [{ service: 'sshd' }])), 'service sshd');
  t.is(endOf(observe(run, [{ console: 'PASSED' }, { poweroff: true }])), 'console PASSED');
  t.is(endOf(observe(`${run}PASSED\n`, [{ console: 'PASSED' }, { poweroff: true }])), 'power-off');
});

test('causes are those of the stage, after what programs say of theirs', (t) => {
  const stages = observe(run);
  const tail = ['sshd: error while loading shared libraries: libz.so.1'];
  t.regex(listCauses({ stages, tail })[0] ?? '', /lacks a shared library/);
  t.regex(listCauses({ stages, tail: [] })[0] ?? '', /waits for something/);
});
