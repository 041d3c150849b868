import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { decideEnd, type End, isProbeMute, judge } from '#src/verify/boot/judge/verdict.js';
import type { DiskFault } from '#src/verify/boot/machine/monitor.js';

const nonce = 'ef'.repeat(16);
const terms = { init: 'openrc', timeout: 60, accelerator: 'kvm' } as const;
const exited = (exitCode: number | null, signal: string | null, message = ''): End => ({
  kind: 'exited',
  exit: { exitCode, signal, message },
});

function observe(text: string, seconds = 2) {
  const seen = createObservation(nonce, [], () => {});
  if (text !== '') seen.push(Buffer.from(text), seconds);
  return seen;
}

test('a QEMU that breaks is an error, not a verdict on the image', (t) => {
  const ended: End = {
    kind: 'exited',
    exit: { exitCode: 0, signal: null, message: 'terminating', cause: 'host' },
  };
  for (const end of [exited(1, null, 'cannot set up guest memory'), exited(null, 'SIGKILL'), ended]) {
    const error = t.throws(() => judge(observe(''), end, terms, 1));
    t.true(error instanceof MobyPatchError && error.kind === 'infrastructure');
  }
  t.throws(() => judge(observe(''), exited(1, null, 'first\nlast'), terms, 1), {
    message: /code 1: last/,
  });
});

test("a fault of a disk's file, and one that another program writes to, are no verdict on the image", (t) => {
  const fail = (diskFault: DiskFault | undefined, message = '') => {
    const exit = { exitCode: 0, signal: null, message, cause: 'host', diskFault } as const;
    const error = t.throws(() => judge(observe(''), { kind: 'exited', exit }, terms, 1), {
      instanceOf: MobyPatchError,
    });
    return `${error?.kind} ${error?.code}: ${error?.message}`;
  };
  t.regex(fail({ operation: 'write', isFull: true, reason: 'x' }), /^infrastructure disk-full: /);
  t.regex(
    fail({ operation: 'read', isFull: false, reason: 'Input/output error' }),
    /^infrastructure disk-failed: QEMU could not read a disk: Input\/output error/,
  );
  const lock = 'Failed to get shared "write" lock\nIs another process using the image [d.raw]?';
  t.regex(fail(undefined, lock), /^infrastructure disk-in-use: another program has the disk open/);
  const drive =
    'qemu: -drive file=json:{"driver":"qcow2",,"backing":null,,"file":{"driver":"file",,"filename":"a,,b.qcow2"}},snapshot=on,id=disk0: ';
  t.regex(
    fail(undefined, `${drive}Image is too big`),
    /^invalid disk-unfit: found a qcow2 disk that QEMU does not take \(Image is too big\), wanted one that is whole/,
  );
  t.regex(fail(undefined, `${drive}Could not open 'a,b.qcow2': Too many`), /^infrastructure qemu-failed/);
});

test('an expectation that is not met is waited for as long as it has time of its own', (t) => {
  const expects = [{ file: '/a' }, { file: '/b', within: 90 }];
  const seen = createObservation(nonce, expects, () => {});
  seen.push(Buffer.from(`${nonce} reached default runlevel .\n`), 2);
  t.is(seen.expectations.latest(), 90);
  seen.expectations.seeCheck({ kind: 'check', index: 1, ok: true, found: '' }, 3);
  t.is(seen.expectations.latest(), 0);
});

test('a boot that ends in another runlevel of OpenRC is refused with its name', (t) => {
  const seen = observe(`moby-patch-verify ${nonce} elsewhere off .\n`);
  t.is(
    judge(seen, { kind: 'timeout' }, { ...terms, runlevel: 'nonetwork' }, 60),
    'the guest did not report the end of the runlevel nonetwork within 60 s: OpenRC is in its runlevel off; if that is meant, say so: --cmdline softlevel=off',
  );
  seen.push(Buffer.from(`moby-patch-verify ${nonce} reached runlevel nonetwork .\n`), 3);
  t.is(seen.reached(), 'runlevel');
  t.is(seen.runlevel(), 'nonetwork');
  t.is(seen.elsewhere(), undefined);
});

test('a system that waits for a person is refused at once, with what systemd told first', (t) => {
  const told = `[ TIME ] Timed out waiting for device dev-sdz1.device - /dev/sdz1.
[DEPEND] Dependency failed for data.mount - /data.
Press Enter to continue.
`;
  const seen = observe(told, 20);
  seen.push(Buffer.from(`moby-patch-verify ${nonce} maintenance emergency  .\n`), 21);
  const other = { ...terms, init: 'other' } as const;
  t.is(decideEnd(seen, other, 22), 23);
  t.deepEqual(decideEnd(seen, other, 23), { kind: 'fault' });
  t.is(
    judge(seen, { kind: 'fault' }, other, 23),
    'systemd is in its emergency mode ("[ TIME ] Timed out waiting for device dev-sdz1.device - /dev/sdz1."); mend what failed first, or let the boot go on without it (a mount: nofail in etc/fstab)',
  );
  t.deepEqual(seen.failures(), told.split('\n').slice(0, 2));
  const quiet = observe(`moby-patch-verify ${nonce} maintenance emergency data.mount (exit-code 32) .\n`);
  t.regex(
    judge(quiet, { kind: 'fault' }, other, 23) ?? '',
    /^systemd is in its emergency mode, data.mount \(exit-code 32\) failed; mend/,
  );
});

test('a guest that nobody can ask lives on for three seconds behind its line', (t) => {
  const blind = { ...terms, init: 'none' } as const;
  const seen = createObservation(nonce, [{ console: '^ready$' }], () => {});
  seen.push(Buffer.from('<6>[    1.000000] Run /init as init process\nready\n'), 5);
  t.is(decideEnd(seen, blind, 5.1), 8);
  t.deepEqual(decideEnd(seen, blind, 8), { kind: 'settled' });
  seen.push(Buffer.from('<0>[    1.200000] Kernel panic - not syncing: Attempted to kill init!\n'), 6);
  t.is(decideEnd(seen, blind, 8), 16);
  t.deepEqual(decideEnd(seen, blind, 16), { kind: 'fault' });
});

test('a first program that ends before the probe ran says nothing of the one of the image', (t) => {
  const other = { ...terms, init: 'other' } as const;
  const run = '<5>[    0.000000] Linux version 6\n<6>[    1.000000] Run /moby-patch-verify as init process\n';
  const execution = '<3>[    1.100000] Failed to execute /moby-patch-verify (error -2)\n';
  const end = '<0>[    1.200000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00\n';
  for (const text of [execution, end, execution + end]) {
    t.true(isProbeMute(observe(run + text), other));
    t.true(isProbeMute(observe(text), other), 'with a kernel that is told to be quiet');
    t.false(isProbeMute(observe(run + text), { ...terms, init: 'none' }));
    t.false(isProbeMute(observe(`${run}moby-patch-verify ${nonce} started .\n${text}`), other));
  }
  t.false(isProbeMute(observe(run), other), 'it may be slow');
});

test('a panic outweighs the way in which QEMU ended', (t) => {
  const seen = observe(
    '<0>[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n',
  );
  t.regex(judge(seen, exited(0, null), terms, 3) ?? '', /no \/init/);
});

test('a boot that takes too long is refused with its last line and its silence', (t) => {
  const timeout: End = { kind: 'timeout' };
  t.regex(
    judge(observe('Starting docker ...', 20), timeout, terms, 60) ?? '',
    /silent for 40 s, last line "Starting docker/,
  );
  t.regex(judge(observe(''), timeout, terms, 60) ?? '', /printed nothing at all/);
  const waiting = observe('A start job is running (1 s)\n', 20);
  for (let seconds = 21; seconds < 60; seconds++)
    waiting.push(Buffer.from(`A start job is running (${seconds} s)\n`), seconds);
  t.regex(
    judge(waiting, timeout, terms, 60) ?? '',
    /nothing new for 40 s, last line "A start job is running \(59 s\)"/,
  );
  const silent = '[    2.4] Run /init as init process\n[    2.5] clocksource: tsc\n';
  t.regex(judge(observe(silent), timeout, terms, 60) ?? '', /regular file/);
  t.notRegex(judge(observe(`${silent}hello\n`), timeout, terms, 60) ?? '', /regular file/);
});

test('a boot that meets every expectation passes', (t) => {
  const seen = observe(`moby-patch-verify ${nonce} reached default runlevel .\n`);
  t.is(judge(seen, { kind: 'settled' }, terms, 3), undefined);
});

test('the wait ends with the last expectation, or at the first deadline', (t) => {
  const silent = observe('');
  t.is(decideEnd(silent, terms, 10), 60);
  t.deepEqual(decideEnd(silent, terms, 60), { kind: 'timeout' });
  const prompt = observe('login: ', 2);
  t.is(decideEnd(prompt, terms, 2.5), 3, 'to see whether the line goes on');
  const panic = observe('<0>[    1.000000] Kernel panic - not syncing: x\n', 5);
  t.is(decideEnd(panic, terms, 6.5), 7);
  t.deepEqual(decideEnd(panic, terms, 7), { kind: 'fault' });
  const reached = observe(`moby-patch-verify ${nonce} reached default runlevel .\n`, 9);
  t.deepEqual(decideEnd(reached, terms, 9), { kind: 'settled' });
  const unmet = createObservation(nonce, [{ console: 'never' }], () => {});
  unmet.push(Buffer.from(`moby-patch-verify ${nonce} reached default runlevel .\n`), 9);
  t.is(decideEnd(unmet, terms, 11), 19);
  t.deepEqual(decideEnd(unmet, terms, 19), { kind: 'grace' });
});

const other = { init: 'other', timeout: 60, accelerator: 'tcg' } as const;
const own = (rounds: number, children = 0) =>
  `moby-patch-verify ${nonce} alive ${rounds} ${children} 0 .\nmoby-patch-verify ${nonce} reached init .\n`;
const started = '<5>[    0.000000] Linux version 6\n<6>[    2.000000] Run /init as init process\n';

test('a first program without an init system has to show something, and to stay', (t) => {
  t.deepEqual(decideEnd(observe(own(30)), other, 33), { kind: 'idle' });
  t.regex(judge(observe(own(30)), { kind: 'idle' }, other, 33) ?? '', /shows nothing of what it does/);
  t.is(typeof decideEnd(observe(own(12, 1)), other, 15), 'number', 'it may die after 12 s');
  t.deepEqual(decideEnd(observe(own(20, 1)), other, 23), { kind: 'settled' });
  t.deepEqual(decideEnd(observe(`${started}hello\n${own(20)}`), other, 23), { kind: 'settled' });
  const told = createObservation(nonce, [{ console: 'hello' }], () => {});
  told.push(Buffer.from(`${started}hello\n${own(3)}`), 5);
  t.deepEqual(decideEnd(told, other, 5), { kind: 'settled' });
});

test('an emulated guest that made progress to the end is too slow, one that was silent is refused', (t) => {
  const timeout: End = { kind: 'timeout' };
  t.throws(() => judge(observe(`${started}step\n`, 55), timeout, other, 60), { message: /too slow to tell/ });
  t.regex(judge(observe(`${started}step\n`, 5), timeout, other, 60) ?? '', /silent for 55 s/);
  t.regex(judge(observe(`${started}step\n`, 55), timeout, terms, 60) ?? '', /did not report/, 'with KVM');
  t.throws(() => judge(observe(''), { kind: 'starved' }, terms, 60), { message: /fraction of its time/ });
});

test('a guest that ends by itself is judged by what it showed', (t) => {
  const end = (cause: 'guest-shutdown' | 'guest-reset'): End => ({
    kind: 'exited',
    exit: { exitCode: 0, signal: null, message: '', cause },
  });
  const observeTest = (text: string, wantsPoweroff: boolean) => {
    const expects = [{ console: 'PASSED' }, ...(wantsPoweroff ? [{ poweroff: true } as const] : [])];
    const seen = createObservation(nonce, expects, () => {});
    seen.push(Buffer.from(`${started}${text}`), 4);
    seen.expectations.seePoweroff(5);
    return seen;
  };
  for (const wanted of [true, false]) {
    t.is(judge(observeTest('PASSED\n', wanted), end('guest-shutdown'), other, 5), undefined);
    t.regex(judge(observeTest('x\n', wanted), end('guest-shutdown'), other, 5) ?? '', /PASSED/);
    t.regex(judge(observeTest('PASSED\n', wanted), end('guest-reset'), other, 5) ?? '', /restarted itself/);
  }
  const panicked = observeTest('<0>[    3.000000] Kernel panic - not syncing: x\n', false);
  t.regex(judge(panicked, end('guest-reset'), other, 5) ?? '', /the kernel panicked/);
});

test('an image that nothing can ask shows something of a program, not of its kernel alone', (t) => {
  const none = { init: 'none', timeout: 60, accelerator: 'kvm' } as const;
  const see = (text: string) => {
    const seen = createObservation(nonce, [{ console: 'Linux version|ready' }], () => {});
    seen.push(Buffer.from(text), 4);
    return seen;
  };
  t.is(decideEnd(see(started), none, 5), 60);
  t.regex(judge(see(started), { kind: 'timeout' }, none, 60) ?? '', /no program of the image has shown/);
  for (const shown of ['ready\n', 'hello\n'])
    t.deepEqual(decideEnd(see(`${started}${shown}`), none, 7), { kind: 'settled' });
});
