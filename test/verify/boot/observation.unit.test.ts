import test from 'ava';
import { createObservation } from '#src/verify/boot/judge/observation.js';

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
  const unpacking = '<0>[    1.000000] Initramfs unpacking failed: write error\n';
  const panic = '<0>[    1.100000] Kernel panic - not syncing: ';
  t.regex(observe(`${unpacking}${panic}x\n`).fault()?.line ?? '', /^\[ {4}1\.0/);
  t.is(observe(`${unpacking}${panic}IO-APIC + timer doesn't work\n`).fault()?.rule.fault, 'machine');
});

const run = '<5>[    0.000000] Linux version 6\n<6>[    2.000000] Run /init as init process\n';
const runLine = '[    2.000000] Run /init as init process';
const panic = '[    3.000000] Kernel panic - not syncing: Attempted to kill init!\n';

test('a panic counts where the kernel prints it, and until a program lives', (t) => {
  t.true(observe(`${run}<0>${panic}`).suspicion() !== undefined);
  t.true(observe(`${run}${panic}`).suspicion() !== undefined, 'a kernel before 4.16');
  t.true(observe(`${run}half a line<0>${panic}`).suspicion() !== undefined);
  t.is(observe(`${run}<12>${panic}`).suspicion(), undefined, 'written to /dev/kmsg');
  t.is(observe(`${run}Kernel panic - not syncing: x\n`).suspicion(), undefined);
  t.is(observe(`${run}<6>[    3.0] note: Kernel panic - not syncing: x\n`).suspicion(), undefined);
  t.is(observe(`${run}<0>${panic}I live\n`).suspicion(), undefined);
  t.is(observe(`${run}<0>${panic}`).fault(), undefined, 'not yet');
});

test('of two panics the last is that of the kernel', (t) => {
  const forged = "<0>[    0.500000] Kernel panic - not syncing: IO-APIC + timer doesn't work!\n";
  const seen = observe(`${run}${forged}<0>${panic}`);
  t.is(seen.suspicion()?.line, panic.trimEnd());
  t.is(observe(`${run}${forged}`).suspicion()?.rule.fault, 'image', 'no program blames the machine');
});

test('a program has printed once the kernel has started one, whatever its decompressor says', (t) => {
  const early =
    'Probing EDD (edd=off to disable)... ok\n<5>[    0.000000] Linux version 6\nMemory KASLR using RDRAND RDTSC...\n';
  t.is(observe(early).milestones().started, undefined);
  t.false(observe(early).progress().printed);
  t.is(observe(`${early}hello\n`).milestones().started?.line, 'hello');
  t.true(observe(`${run}hello\n`).progress().printed);
  const torn = `${early}CPI: torn\n<0>[    1.000000] Initramfs unpacking failed: write error\n`;
  t.true(observe(torn).fault()?.isEarly);
  t.true(observe(`${early}[    0.00000] a digit is lost\n`).milestones().started === undefined);
  t.true(observe(`${early}<6>[    0786959] a point is lost\n`).milestones().started === undefined);
  t.is(observe(`${early}CPI: torn\n`).milestones().isCertain, false);
  t.like(observe(`${early}CPI: torn\n${run}`).milestones(), { isCertain: true, started: { line: runLine } });
});

test('the probe speaks over its own port, and the console stays free of it', (t) => {
  const seen = createObservation(nonce, [{ file: 'etc/a' }], () => {});
  seen.pushProbe(
    Buffer.from(`moby-patch-verify ${nonce} reached init .\r\nmoby-patch-verify ${nonce} check 0 o`),
    4,
  );
  seen.pushProbe(Buffer.from('k .\r\n'), 5);
  t.is(seen.reachedAt(), 4);
  t.like(seen.expectations.results()[0], { met: true, seconds: 5 });
  t.deepEqual(seen.tail(), []);
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

test('what a kernel repeats of its command line meets nothing, unless the expectation is about that', (t) => {
  const echo =
    '<5>[    0.100000] Kernel command line: console=ttyS0 greeting=hello rdinit=/moby-patch-verify\n';
  const unknown =
    '<5>[    0.200000] Unknown kernel command line parameters "greeting=hello", will be passed to user space.\n';
  const named = '<6>[    2.000000] Run /moby-patch-verify as init process\n';
  const seen = (console: string, more = '') =>
    observe(`${echo}${unknown}${named}${more}`, [{ console }]).expectations.areMet();
  t.false(seen('hello|verify'));
  t.true(seen('hello', 'hello\n'));
  t.true(seen('command line: .*greeting=hello'));
});

test('what a kernel prints before any program meets an expectation, but tells nothing of a program', (t) => {
  const expects = [{ console: 'Linux version|I live' }];
  const early = observe(run, expects).expectations;
  t.true(early.areMet());
  t.false(early.hasTold());
  t.true(observe(`${run}I live\n`, expects).expectations.hasTold());
  t.true(observe(`${run}<6>[    3.000000] I live\n`, expects).expectations.hasTold(), 'of a module, say');
  t.true(observe(`${run}<12>[    3.000000] I live\n`, expects).expectations.hasTold());
});

test('a kernel that is quiet has been there all the same, and its program has printed', (t) => {
  const seen = createObservation(nonce, [], () => {});
  seen.pushProbe(Buffer.from(`moby-patch-verify ${nonce} started .\n`), 3);
  t.like(seen.milestones(), { kernel: { at: 3 }, started: { at: 3 }, isCertain: true });
  t.false(seen.progress().printed);
  seen.push(Buffer.from('hello\n'), 4);
  t.true(seen.progress().printed);
});

test('a kernel that names its callers tears a line like any other', (t) => {
  const text = 'Loading ...[   11.316000][    T1] fuse: init (API version 7.38)\n [ ok ]\n';
  t.true(observe(text, [{ console: '^Loading \\.\\.\\. \\[ ok \\]$' }]).expectations.areMet());
});

test('new numbers are no news, and a guest that says very much is not silent', (t) => {
  const newsOf = (lineOf: (turn: number) => string, turns: number) => {
    const seen = createObservation(nonce, [], () => {});
    for (let turn = 0; turn < turns; turn++) seen.push(Buffer.from(`${lineOf(turn)}\n`), turn);
    return seen.lastNews();
  };
  const uuids = ['0a1b2c3d-9e8f-4a1b-8c7d-f00dcafe0001', 'f1e2d3c4-0bad-4c0d-9a9b-0123456789ab'];
  t.is(
    newsOf((turn) => `retry ${uuids[turn % 2]} at 0x${'ffe'[turn % 3]}81a ${turn}`, 9),
    0,
  );
  t.is(
    newsOf((turn) => `word ${'abcdefghij'[turn % 10]}`, 10),
    9,
  );
  const letters = (turn: number) => [...String(turn)].map((digit) => 'ghijklmnop'[Number(digit)]).join('');
  t.is(newsOf(letters, 7000), 6999);
});

test('a long line of the probe is whole, also on the console', (t) => {
  const long = 'x'.repeat(60_000);
  const marker = `moby-patch-verify ${nonce} output 0 ${long} .\nmoby-patch-verify ${nonce} check 0 ok exit code 0 .\n`;
  for (const push of ['push', 'pushProbe'] as const) {
    const seen = createObservation(nonce, [{ command: 'x', output: '^x{60000}$' }], () => {});
    for (let at = 0; at < marker.length; at += 1000) seen[push](Buffer.from(marker.slice(at, at + 1000)), 2);
    t.true(seen.expectations.areMet());
  }
});

test('a notice of a kernel that its clock is late is no progress of its programs', (t) => {
  const news = (text: string) => {
    const seen = createObservation(nonce, [], () => {});
    seen.push(Buffer.from(run), 2);
    seen.push(Buffer.from(text), 30);
    return seen.lastNews();
  };
  t.is(news('<6>[   47.593211] hrtimer: interrupt took 26134910 ns\n'), 2);
  t.is(news('<4>[   31.000000] clocksource: Long readout interval, skipping watchdog check\n'), 2);
  t.is(news('<6>[   31.000000] EXT4-fs (vda): mounted filesystem\n'), 30);
  t.is(news('hrtimer: interrupt took 3 ns\n'), 30, 'a program has its reasons');
  const silent = createObservation(nonce, [], () => {});
  silent.push(Buffer.from(`${run}starting\n`), 2);
  silent.push(Buffer.from('<6>[   47.593211] hrtimer: interrupt took 26134910 ns\n'), 30);
  t.is(silent.lastHeard(), 2);
  t.is(silent.lastLine(), 'starting');
  silent.push(Buffer.from('name? '), 31);
  t.is(silent.lastLine(), 'name?');
  const starting = createObservation(nonce, [], () => {});
  starting.push(Buffer.from('<5>[    0.000000] Linux version 6\n'), 2);
  starting.push(Buffer.from('<6>[    0.200000] clocksource: hpet: mask: 0xffffffff\n'), 3);
  t.is(starting.lastNews(), 3);
});

test('half a name of a failed service is none', (t) => {
  const seen = createObservation(nonce, [{ 'no-failed-services': true, except: ['networking'] }], () => {});
  seen.push(Buffer.from('startpar: service(s) returned failure: networ'), 2);
  seen.rest(4);
  seen.push(Buffer.from('king ... failed!\n'), 4);
  const found = 'none was named on the console';
  seen.expectations.seeCheck({ kind: 'check', index: 0, ok: true, found }, 5);
  t.true(seen.expectations.areMet());
});
