import test from 'ava';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { createStageLog } from '#src/verify/boot/judge/stage-log.js';
import { listCauses, listStages } from '#src/verify/boot/judge/stages.js';
import { type End, judge, wasUp } from '#src/verify/boot/judge/verdict.js';

const nonce = 'ab'.repeat(16);
const kernel = '<5>[    0.000000] Linux version 6\n';
const run = `${kernel}<6>[    2.000000] Run /init as init process\n`;
const reached = `moby-patch-verify ${nonce} reached default runlevel .\n`;
const panic = '<0>[    3.000000] Kernel panic - not syncing: ';

type Expects = Parameters<typeof createObservation>[1];

function observe(text: string, expects: Expects = []) {
  const seen = createObservation(nonce, expects, () => {});
  seen.push(Buffer.from(text), 2);
  return listStages(seen, { init: 'openrc', isPassed: false, isUp: seen.reached() !== 'nothing' });
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
  const mentions = () => [];
  t.regex(listCauses({ stages, tail, mentions })[0] ?? '', /lacks a shared library/);
  t.regex(listCauses({ stages, tail: [], mentions })[0] ?? '', /waits for something/);
});

test('the last words of a guest that ended are the causes, and nothing that it would wait for', (t) => {
  const error = '/init: conf/conf.d/tuning: line 4: syntax error: unterminated quoted string';
  const seen = createObservation(nonce, [], () => {});
  const trace = '<4>[    3.100000]  dump_stack_lvl+0x44/0x5c\n'.repeat(40);
  seen.push(Buffer.from(`${run}${error}\n${panic}Attempted to kill init! exitcode=0x00000200\n${trace}`), 2);
  const stages = listStages(seen, { init: 'other', isPassed: false, isUp: false });
  const shared = { stages, tail: [], mentions: seen.mentions };
  t.deepEqual(listCauses({ ...shared, lastWords: seen.lastWords() }), [`the console says: ${error}`]);
  t.is(listCauses(shared).length, 2);
});

test('an initramfs that finds no root is told what to expect of it', (t) => {
  const stages = observe(run);
  for (const line of [
    'No root device specified. Boot arguments must include a root= parameter.',
    'ALERT!  /dev/vda does not exist.  Dropping to a shell!',
    'dracut: FATAL: No or empty root= argument',
  ])
    t.regex(listCauses({ stages, tail: [line], mentions: () => [] })[0] ?? '', /--expect "Mounting root/);
});

test('a port that does not answer may be one of a guest without an address', (t) => {
  const stages = observe(`${run}${reached}`, [{ port: 22 }]);
  t.regex(
    listCauses({ stages, tail: [], mentions: () => [] }).join(),
    /has no address: it gets 10\.0\.2\.15 by DHCP/,
  );
});

test('what programs say of a mount point is the first cause of a mount that is not there', (t) => {
  const said = 'mount: mounting 10.0.2.2:/a on /share failed: Protocol not supported';
  const causesOf = (text: string) =>
    listCauses({
      stages: observe(`${run}${text}${reached}`, [{ mount: '/share' }]),
      tail: [],
      mentions: (name) => {
        const seen = createObservation(nonce, [], () => {});
        seen.push(Buffer.from(`${run}${text}`), 2);
        return seen.mentions(name);
      },
    });
  const [first, usual] = causesOf(`${said}\nmounting /shares and b/share\n`);
  t.is(first, `the console says: ${said}`);
  t.regex(usual ?? '', /10\.0\.2\.2 with --network host/);
  t.is(causesOf('').length, 1);
});

test('a file on a share that does not answer has that as its cause', (t) => {
  const check = `moby-patch-verify ${nonce} check 0 no no answer .\n`;
  const stages = observe(`${run}${reached}${check}`, [{ file: 'share/a' }]);
  const [cause = 'none'] = listCauses({ stages, tail: [], mentions: () => [] });
  t.regex(cause, /^its file system does not answer/);
});

test('what programs say of a failed service is its first cause', (t) => {
  const says = 'tunnel: cannot resolve vpn.example.org';
  for (const text of [
    `Starting tunnel.service - The service tunnel...\n${says}\n[FAILED] Failed to start tunnel.service\n`,
    ` * Running tunnel ...${says}\n [ !! ]\n * ERROR: tunnel failed to start\n`,
  ]) {
    const seen = createObservation(nonce, [{ 'no-failed-services': true }, { service: 'tunnel' }], () => {});
    seen.push(Buffer.from(`${run}${text}${reached}`), 2);
    const found = 'a.service, tunnel.service (exit-code 3)';
    seen.expectations.seeCheck({ kind: 'check', index: 0, ok: false, found }, 3);
    for (const name of ['no failed services', 'service tunnel']) {
      const stages = listStages(seen, { init: 'other', isPassed: false, isUp: true });
      t.is(endOf(stages), name);
      const [first] = listCauses({ stages, tail: [], mentions: seen.mentions });
      t.is(first, `the console says: ${says}`);
      seen.expectations.seeCheck({ kind: 'check', index: 0, ok: true, found: '' }, 3);
    }
  }
});

test('the reason of a refusal, the log and the stages say the same of a system that was up', (t) => {
  const alive = (rounds: number) =>
    `hello\nmoby-patch-verify ${nonce} alive ${rounds} 1 1 .\nmoby-patch-verify ${nonce} reached init .\n`;
  const exit = (cause: 'guest-shutdown' | 'guest-reset'): End => ({
    kind: 'exited',
    exit: { exitCode: 0, signal: null, message: '', cause },
  });
  const [off, again, timeout] = [exit('guest-shutdown'), exit('guest-reset'), { kind: 'timeout' } as const];
  const line = [{ console: 'never' }];
  const lost = 'default runlevel, lost';
  const cases = [
    { init: 'other', text: alive(12), end: again, system: 'not up', reason: /before its system was up/ },
    { init: 'other', text: alive(12), end: off, system: 'not up', reason: /before its system was up/ },
    { init: 'other', text: alive(12), end: timeout, system: 'not up', reason: /did not report a running/ },
    { init: 'other', text: alive(12), end: timeout, expects: line, system: 'up', reason: /no line/ },
    { init: 'other', text: alive(25), end: again, expects: line, system: 'up', reason: /although it was up/ },
    { init: 'other', text: 'hello\n', end: off, system: 'not up', reason: /before its system was up/ },
    { init: 'openrc', text: reached, end: again, system: lost, reason: /although it was up/ },
    { init: 'openrc', text: reached, end: again, expects: line, system: 'up', reason: /although it was up/ },
    {
      init: 'openrc',
      text: '',
      end: again,
      system: 'not up',
      reason: /before the end of the default runlevel/,
    },
    { init: 'none', text: 'hello\n', end: again, system: 'not asked', reason: /itself after 90\.0 s$/ },
  ] as const;
  for (const { init, text, end, system, reason, ...more } of cases) {
    const seen = createObservation(nonce, 'expects' in more ? more.expects : [], () => {});
    seen.push(Buffer.from(`${run}${text}`), 2);
    const logged: string[] = [];
    createStageLog(seen, { init }, (each) => logged.push(each))();
    const terms = { init, timeout: 90, accelerator: 'tcg' } as const;
    t.regex(judge(seen, end, terms, 90) ?? '', reason);
    const stages = listStages(seen, { init, isPassed: false, isUp: wasUp(seen, end, init) });
    const { state, seconds } = stages.find(({ name }) => name === 'system') ?? { state: 'not asked' };
    const stood = state === 'failed' && seconds === undefined ? 'not up' : state === 'failed' ? lost : 'up';
    t.is(state === 'not asked' ? state : stood, system, reason.source);
    if (system.startsWith('not')) t.false(logged.some((each) => each.startsWith('system')));
    t.truthy(endOf(stages), 'a refused boot has ended somewhere');
  }
});
