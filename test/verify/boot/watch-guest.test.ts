import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { startGuestClock } from '#src/verify/boot/machine/guest-clock.js';
import { watchGuest } from '#src/verify/boot/watch-guest.js';
import { createTestFolder } from '../../fixtures/archive.js';
import { testNeeding } from '../../fixtures/needs.js';

const nonce = 'ef'.repeat(16);
const timeout = 1;

testNeeding('setpriv')('a guest that reports in time is heard by a host that was late', async (t) => {
  const path = await createTestFolder(t);
  const report = join(path, 'reported');
  const clock = startGuestClock();
  const seen = createObservation(nonce, [], () => {});
  const run = watchGuest({
    argv: [
      'sh',
      '-c',
      `echo 'moby-patch-verify ${nonce} reached default target .' >&3; : >'${report}'; exec sleep 1000`,
    ],
    expects: [],
    scratch: { path, own() {}, async [Symbol.asyncDispose]() {} },
    signal: new AbortController().signal,
    seen,
    terms: { init: 'other', timeout, accelerator: 'kvm' },
    clock,
    onLook() {},
  });
  // Nothing is read while this thread waits, until the guest has reported and its time is over.
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(report) || clock.now() <= timeout) Atomics.wait(sleeper, 0, 0, 20);
  const end = await run;
  t.is(end.kind, 'settled');
});
