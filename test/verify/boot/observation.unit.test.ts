import test from 'ava';
import { createObservation } from '#src/verify/boot/observation.js';

const nonce = 'ab'.repeat(16);

function observe(text: string, expects: Parameters<typeof createObservation>[1] = []) {
  const seen = createObservation(nonce, expects, () => {});
  seen.push(Buffer.from(text), 2);
  seen.end(3);
  return seen;
}

test('a line that the kernel wrote into is mended, also one of the probe', (t) => {
  const text =
    ' * Loading modules ...[   11.316000] fuse: init (API version 7.38)\n[   11.400000] more\n [ ok ]\n';
  t.true(observe(text, [{ console: '^ \\* Loading modules \\.\\.\\. \\[ ok \\]$' }]).expectations.areMet());
  t.true(observe(text, [{ console: 'fuse: init' }]).expectations.areMet());
  const torn = `moby-patch-verify ${nonce} rea[   11.316000] fuse: init\nched init .\n`;
  t.is(observe(torn).reached(), 'init');
});

test('the first fault counts, unless the machine is at fault', (t) => {
  const unpacking = 'Initramfs unpacking failed: write error\n';
  t.regex(observe(`${unpacking}Kernel panic - not syncing: x\n`).fault()?.line ?? '', /unpacking/);
  t.is(
    observe(`${unpacking}Kernel panic - not syncing: IO-APIC + timer doesn't work\n`).fault()?.rule.fault,
    'machine',
  );
});

test('the tail is bounded and has no line of the probe; each warning appears once', (t) => {
  const marker = `moby-patch-verify ${nonce} warning the service x failed .\n`;
  const seen = observe(`${'line\n'.repeat(1000)}${marker}${marker}prompt: `);
  t.true(seen.tail().length <= 40);
  t.is(seen.tail().at(-1), 'prompt:');
  t.deepEqual(seen.warnings(), ['the service x failed']);
});

test('a prompt is a line that nothing follows; half a line is none', (t) => {
  const seen = createObservation(nonce, [{ console: '^login: $|^login:$' }], () => {});
  seen.push(Buffer.from('login: '), 2);
  seen.rest(2.5);
  t.false(seen.expectations.areMet());
  seen.rest(3);
  t.true(seen.expectations.areMet());
  t.is(seen.expectations.results()[0]?.found, 'login: (after 2.0 s)');
});

test('the probe neither hides a prompt nor breaks a silence', (t) => {
  const seen = createObservation(nonce, [{ console: 'login:$' }], () => {});
  const marker = `moby-patch-verify ${nonce} reached init .\n`;
  seen.push(Buffer.from('moby login: '), 2);
  for (const seconds of [2.2, 3.2, 4.2]) {
    seen.push(Buffer.from(marker.slice(0, 9)), seconds);
    seen.push(Buffer.from(marker.slice(9)), seconds);
    seen.rest(seconds);
  }
  t.is(seen.reached(), 'init');
  t.true(seen.lastHeard() < 3);
  t.true(seen.expectations.areMet());
  t.is(seen.tail().at(-1), 'moby login:');
});
