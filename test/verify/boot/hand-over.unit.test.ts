import test from 'ava';
import type { Entry } from '#src/model/image/entry.js';
import { createHandOverWatch, explainHandOver } from '#src/verify/boot/judge/hand-over.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { listStages } from '#src/verify/boot/judge/stages.js';
import { decideEnd, type End, judge } from '#src/verify/boot/judge/verdict.js';
import { mustHandOver } from '#src/verify/boot/probe/hand-over.js';

const nonce = 'ab'.repeat(16);
const started = '<5>[    0.000000] Linux version 6\n<6>[    2.000000] Run /init as init process\n';
const terms = { init: 'other', timeout: 300, accelerator: 'tcg', handsOver: true } as const;
const alert = 'ALERT!  /dev/vda9 does not exist.  Dropping to a shell!';
const say = (text: string) => `moby-patch-verify ${nonce} ${text} .\n`;
const reset: End = {
  kind: 'exited',
  exit: { exitCode: 0, signal: null, message: '', cause: 'guest-reset' },
};

function observe(text: string, expects: Parameters<typeof createObservation>[1] = []) {
  const seen = createObservation(nonce, expects, () => {});
  seen.push(Buffer.from(started + text), 20);
  return seen;
}

const handOverOf = (seen: ReturnType<typeof observe>, isPassed = false) =>
  listStages(seen, { ...terms, isPassed, isUp: false }).find(({ name }) => name === 'handed over')?.state;

test('an initramfs that gives up is refused soon, with what it says', (t) => {
  const seen = observe(`${alert}\n(initramfs) `);
  t.is(decideEnd(seen, terms, 22), 30);
  t.deepEqual(decideEnd(seen, terms, 30), { kind: 'stranded' });
  t.regex(
    judge(seen, { kind: 'stranded' }, terms, 30) ?? '',
    /not found its root: it says "ALERT! .* waits for/,
  );
  t.is(handOverOf(seen), 'failed');
  t.regex(judge(seen, reset, terms, 30) ?? '', /"ALERT! .*" and the guest restarted itself after 30\.0 s/);
});

test('a new line gives an initramfs more time, and the hand-over takes back what it said', (t) => {
  const seen = observe(`${alert}\n`);
  seen.push(Buffer.from('mdadm: starting a degraded array\n'), 28);
  t.is(typeof decideEnd(seen, terms, 31), 'number');
  seen.push(Buffer.from(say('handed ext4')), 33);
  t.is(decideEnd(seen, terms, 60), 300);
  t.is(handOverOf(seen), 'reached');
});

test('a prompt is enough where nothing was said before', (t) => {
  const seen = observe('(initramfs) ');
  seen.rest(22);
  t.deepEqual(decideEnd(seen, terms, 31), { kind: 'stranded' });
});

test('what dracut, mkinitfs and mkinitcpio say when they give up is known', (t) => {
  for (const line of [
    'Entering emergency mode. Exit the shell to continue.',
    '[  130.100000] dracut-initqueue[265]: Warning: Could not boot.',
    'dracut: FATAL: Don\'t know how to handle "root=x"',
    "initramfs emergency recovery shell launched. Type 'exit' to continue boot",
    'You are now being dropped into an emergency shell.',
    'No init found. Try passing init= bootarg.',
    'Failed to mount /dev/vda1 as root file system.',
    'No root device specified. Boot arguments must include a root= parameter.',
  ]) {
    const watch = createHandOverWatch();
    watch.seeLine(line, 1);
    t.is(watch.stranded()?.line, line);
  }
  const watch = createHandOverWatch();
  watch.seeLine('Begin: Waiting for root file system ... ', 1);
  watch.seeLine('Warning: /dev/vda9 does not exist', 2);
  t.is(watch.stranded(), undefined, 'a script may say so and go on');
  watch.seeLine('Entering emergency mode. Exit the shell to continue.', 3);
  t.deepEqual(watch.stranded(), { at: 3, line: 'Warning: /dev/vda9 does not exist' });
});

test('without a root to find, the same words decide nothing', (t) => {
  const seen = observe(`${alert}\n`);
  t.is(decideEnd(seen, { ...terms, handsOver: false }, 40), 300);
});

test('a guest that only waits has not gone over, one that ended at once may have', (t) => {
  t.regex(
    judge(observe('waiting\n'), { kind: 'timeout' }, terms, 300) ?? '',
    /did not go over to another root within 300 s/,
  );
  t.regex(judge(observe('bye\n'), reset, terms, 40) ?? '', /before it went over to another root/);
  const off: End = { ...reset, exit: { ...reset.exit, cause: 'guest-shutdown' } };
  const done = observe('test passed\n', [{ console: 'test passed' }, { poweroff: true }]);
  done.expectations.seePoweroff(21);
  t.is(judge(done, off, terms, 21), undefined);
  t.is(handOverOf(done, true), undefined);
});

test('what an initramfs has shown is nothing that its root has shown', (t) => {
  const lived = say('alive 40 2 6') + say('handed ext4') + say('alive 30 0 9') + say('reached init');
  const seen = observe(`loading\n${lived}`);
  t.deepEqual(seen.progress(), { printed: false, rounds: 30, children: 0, mounts: 0 });
  t.deepEqual(decideEnd(seen, terms, 55), { kind: 'idle' });
  seen.push(Buffer.from(say('alive 30 0 10')), 55);
  t.deepEqual(decideEnd(seen, terms, 55), { kind: 'settled' });
});

test('a line that an initramfs has printed proves nothing of its root', (t) => {
  const expects = [{ console: 'hello' }];
  const up = say('handed ext4') + say('alive 3 0 9') + say('reached init');
  const spins = observe('hello\n', expects);
  spins.push(Buffer.from(up), 21);
  t.is(typeof decideEnd(spins, terms, 25), 'number');
  spins.push(Buffer.from(say('alive 30 0 9')), 51);
  t.deepEqual(decideEnd(spins, terms, 51), { kind: 'idle' });
  const talks = observe('', expects);
  talks.push(Buffer.from(`${up}hello\n`), 21);
  t.deepEqual(decideEnd(talks, terms, 25), { kind: 'settled' });
});

test('a guest that printed what was expected and switches itself off before its root was up is refused', (t) => {
  const off: End = { ...reset, exit: { ...reset.exit, cause: 'guest-shutdown' } };
  const early = observe('hello\n', [{ console: 'hello' }]);
  t.regex(judge(early, off, terms, 21) ?? '', /switched itself off .*before it went over to another root/);
  early.push(Buffer.from(say('handed ext4')), 21);
  t.regex(judge(early, off, terms, 22) ?? '', /switched itself off .*before its system was up/);
});

test('systemd in its emergency mode is refused, also behind a hand-over', (t) => {
  const seen = observe(say('handed ext4') + say('maintenance emergency data.mount'));
  t.deepEqual(decideEnd(seen, terms, 23), { kind: 'fault' });
  t.regex(judge(seen, { kind: 'fault' }, terms, 23) ?? '', /emergency mode, data\.mount failed/);
});

test('the causes tell the disks that the guest has found beside the root that it was to find', (t) => {
  const explain = (text: string, cmdline: string, hasEnded = false) =>
    explainHandOver('handed over', { ...observe(text).handOver, cmdline, hasEnded }).join();
  t.regex(
    explain(say('disks vda vda1'), 'root=/dev/vda9'),
    /root=\/dev\/vda9; the guest has found vda, vda1$/,
  );
  t.regex(
    explain(say('disks vda vda2'), 'quiet'),
    /no root, such as --cmdline root=\/dev\/vda2; the guest has/,
  );
  t.regex(explain(say('disks sr0 vda'), ''), /such as --cmdline root=\/dev\/vda; /);
  t.regex(explain('', ''), /such as --cmdline root=\/dev\/vda1$/);
  t.regex(explain(say('disks'), 'root=/dev/vda1'), /no driver for it \(virtio_pci, virtio_blk\)/);
  t.regex(
    explain('', 'root=/dev/vda1'),
    /is not on the disks, or the initramfs cannot read it: root=\/dev\/vda1$/,
  );
  t.regex(explain(say('disks vda vda1'), 'root=/dev/vda1', true), /may have ended at once/);
  const file = { ...observe(say('handed ext4')).handOver, cmdline: '', hasEnded: false };
  t.regex(explainHandOver('file /etc/motd', file).join(), /in the root that the initramfs went over to/);
  t.deepEqual(explainHandOver('service sshd', file), []);
});

test('an image has to go over where it or its command line says so, and has a disk', (t) => {
  const entry = (path: string) => [path, { path, type: 'file' } as unknown as Entry] as const;
  const symlinkTo = (path: string, target: string) =>
    [path, { path, type: 'symlink', target } as unknown as Entry] as const;
  const tools = new Map([entry('bin/sh'), entry('scripts/functions')]);
  const systemd = new Map([entry('bin/sh'), entry('etc/initrd-release')]);
  const other = new Map([entry('bin/sh'), entry('init')]);
  const disks = ['/d'];
  t.true(mustHandOver(tools, { disks, cmdline: '' }));
  t.true(mustHandOver(systemd, { disks, cmdline: '' }));
  t.true(mustHandOver(other, { disks, cmdline: 'quiet root=LABEL=x' }));
  t.false(mustHandOver(other, { disks, cmdline: 'console=ttyS0' }), 'its data may be there');
  const findfs = [entry('bin/sh'), entry('bin/busybox'), entry('etc/inittab'), entry('sbin/nlplug-findfs')];
  t.true(mustHandOver(new Map([...findfs, entry('init')]), { disks, cmdline: '' }), 'mkinitfs');
  const busybox = new Map([
    ...findfs,
    symlinkTo('init', 'sbin/init'),
    symlinkTo('sbin/init', '../bin/busybox'),
  ]);
  t.false(mustHandOver(busybox, { disks, cmdline: '' }), 'a root with the files of mkinitfs');
  t.false(mustHandOver(other, { disks, cmdline: 'root=/dev/ram0' }));
  t.false(mustHandOver(new Map([entry('init')]), { disks, cmdline: 'root=/dev/vda' }), 'no shell can tell');
  t.false(mustHandOver(tools, { cmdline: 'root=/dev/vda1' }), 'there is no disk to find it on');
  t.false(mustHandOver(tools, { disks, disk: { path: '/s', type: 'erofs' }, cmdline: '' }));
});
