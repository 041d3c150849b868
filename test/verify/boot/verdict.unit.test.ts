import test from 'ava';
import { MobyPatchError } from '#src/model/error.js';
import { createObservation } from '#src/verify/boot/observation.js';
import { decideEnd, type End, judge } from '#src/verify/boot/verdict.js';

const nonce = 'ef'.repeat(16);
const terms = { init: 'openrc', timeout: 60 } as const;
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
  for (const end of [exited(1, null, 'cannot set up guest memory'), exited(null, 'SIGKILL')]) {
    const error = t.throws(() => judge(observe(''), end, terms, 1));
    t.true(error instanceof MobyPatchError && error.kind === 'infrastructure');
  }
  t.throws(() => judge(observe(''), exited(1, null, 'first\nlast'), terms, 1), {
    message: /code 1: last/,
  });
});

test('a panic outweighs the way in which QEMU ended', (t) => {
  const seen = observe('Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n');
  t.regex(judge(seen, exited(0, null), terms, 3) ?? '', /no \/init/);
});

test('a boot that takes too long is refused with its last line and its silence', (t) => {
  const timeout: End = { kind: 'timeout' };
  t.regex(
    judge(observe('Starting docker ...', 20), timeout, terms, 60) ?? '',
    /silent since 40 s, last line "Starting docker/,
  );
  t.regex(judge(observe(''), timeout, terms, 60) ?? '', /printed nothing at all/);
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
  const panic = observe('Kernel panic - not syncing: x\n', 5);
  t.is(decideEnd(panic, terms, 6.5), 7);
  t.deepEqual(decideEnd(panic, terms, 7), { kind: 'fault' });
  const reached = observe(`moby-patch-verify ${nonce} reached default runlevel .\n`, 9);
  t.deepEqual(decideEnd(reached, terms, 9), { kind: 'settled' });
  const unmet = createObservation(nonce, [{ console: 'never' }], () => {});
  unmet.push(Buffer.from(`moby-patch-verify ${nonce} reached default runlevel .\n`), 9);
  t.is(decideEnd(unmet, terms, 11), 14);
  t.deepEqual(decideEnd(unmet, terms, 14), { kind: 'grace' });
});
