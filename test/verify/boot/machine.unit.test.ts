import { gzipSync } from 'node:zlib';
import test from 'ava';
import { detectArchitecture } from '#src/verify/boot/machine/kernel.js';
import {
  createArguments,
  createCmdline,
  findArgument,
  type Machine,
} from '#src/verify/boot/machine/machine.js';

const machine: Machine = {
  architecture: 'x86_64',
  accelerator: 'tcg',
  kernel: '/k',
  initrd: '/i',
  memory: 512,
  network: 'none',
  cmdline: 'console=ttyS0',
};

const wordAfter = (argv: readonly string[], option: string) => argv[argv.indexOf(option) + 1];

test('a machine has the requested devices and no other', (t) => {
  const argv = createArguments(machine);
  for (const option of ['-nodefaults', '-no-user-config', '-no-reboot'])
    t.true(argv.includes(option), option);
  t.is(wordAfter(argv, '-machine'), 'pc,accel=tcg');
  t.is(wordAfter(argv, '-m'), '512');
  t.is(wordAfter(argv, '-nic'), 'none');
  t.is(wordAfter(argv, '-append'), 'console=ttyS0');
  t.false(argv.some((word) => word.includes('netdev')));
});

test('the network is as open as requested', (t) => {
  t.is(
    wordAfter(createArguments({ ...machine, network: 'isolated' }), '-netdev'),
    'user,id=network,restrict=on',
  );
  t.is(wordAfter(createArguments({ ...machine, network: 'host' }), '-netdev'), 'user,id=network');
});

test('each disk is told with its format, and only what is thrown away is written to', (t) => {
  const drives = [
    { path: '/root.squashfs', format: 'raw', isFixed: true },
    { path: '/my, disk.raw', format: 'raw' },
    { path: '/d.qcow2', format: 'qcow2' },
  ] as const;
  const argv = createArguments({ ...machine, drives });
  const values = (option: string) =>
    argv.flatMap((word, index) => (word === option ? [argv[index + 1]] : []));
  const fault = 'rerror=stop,werror=stop,if=none';
  t.deepEqual(values('-drive'), [
    `file=/root.squashfs,format=raw,readonly=on,file.locking=off,${fault},id=disk0`,
    `file=json:{"driver":"raw",,"file":{"driver":"file",,"filename":"/my,, disk.raw"}},snapshot=on,${fault},id=disk1`,
    `file=json:{"driver":"qcow2",,"backing":null,,"file":{"driver":"file",,"filename":"/d.qcow2"}},snapshot=on,${fault},id=disk2`,
  ]);
  t.deepEqual(
    values('-device').slice(1),
    [0, 1, 2].map((index) => `virtio-blk-pci,drive=disk${index}`),
  );
  const arm = createArguments({ ...machine, architecture: 'aarch64', drives });
  t.true(arm.includes('virtio-blk-pci,drive=disk2'), 'its machine has the same bus');
});

test('another processor means another machine', (t) => {
  const argv = createArguments({
    ...machine,
    architecture: 'aarch64',
    accelerator: 'kvm',
    initrd: undefined,
  });
  t.is(wordAfter(argv, '-machine'), 'virt,accel=kvm');
  t.is(wordAfter(argv, '-cpu'), 'host');
  t.false(argv.includes('-initrd'));
  const riscv = createArguments({ ...machine, architecture: 'riscv64', ports: true });
  t.is(wordAfter(riscv, '-machine'), 'virt,accel=tcg');
  t.is(wordAfter(riscv, '-cpu'), 'rv64');
  t.false(riscv.includes('chardev:probe'));
  t.regex(createCmdline('riscv64', 'tcg', [], ''), /^console=ttyS0 console_msg_format=syslog /);
});

test('of a word that a command line has twice the last one counts', (t) => {
  t.is(findArgument('rdinit=/x init=/a quiet init=/b', 'init='), '/b');
  t.is(findArgument('rdinit=/x quiet', 'init='), undefined);
});

test("the user's kernel arguments come last, but hide nothing that a verdict needs", (t) => {
  const words = createCmdline('x86_64', 'tcg', ['rdinit=/x'], ' noapic ').split(' ');
  t.deepEqual(words.slice(-3), ['rdinit=/x', 'noapic', 'printk.time=1']);
  const mute = createCmdline('x86_64', 'tcg', [], 'quiet loglevel=0 printk.time=0 a--b -- -c printk.time=0');
  t.regex(mute, / quiet loglevel=0 printk\.time=0 a--b printk\.time=1 loglevel=4 -- -c printk\.time=0$/);
  t.regex(createCmdline('x86_64', 'tcg', [], 'loglevel=7 --'), / loglevel=7 printk\.time=1 --$/);
  t.true(words.includes('no_timer_check') && words.includes('console=ttyS0'));
  t.false(createCmdline('x86_64', 'kvm', [], '').includes('no_timer_check'));
  t.is(createCmdline('aarch64', 'tcg', [], ''), 'console=ttyAMA0 console_msg_format=syslog printk.time=1');
});

test('a video mode is not asked for: the machine has no screen, and the kernel would wait for an answer', (t) => {
  const words = createCmdline('x86_64', 'tcg', [], 'vga=788 console=tty0 --- quiet').split(' ');
  t.false(words.some((word) => word.startsWith('vga=')));
  t.deepEqual(words.slice(-5), ['console=tty0', '---', 'quiet', 'printk.time=1', 'console=ttyS0']);
  t.true(createCmdline('x86_64', 'tcg', [], 'root=/dev/vda -- vga=788').endsWith('-- vga=788'));
});

test('programs print where they are read, whatever console the command line names last', (t) => {
  const listConsoles = (user: string, architecture: 'x86_64' | 'aarch64' = 'x86_64') =>
    createCmdline(architecture, 'kvm', [], user)
      .split(' ')
      .filter((word) => word.startsWith('console='));
  const [own, tty0] = ['console=ttyS0', 'console=tty0'];
  t.deepEqual(listConsoles(''), [own]);
  t.deepEqual(listConsoles(`${tty0} console=ttyS0,115200n8`), [own, tty0, 'console=ttyS0,115200n8']);
  t.deepEqual(listConsoles(`console=ttyS0,115200 ${tty0}`), [own, 'console=ttyS0,115200', tty0, own]);
  t.deepEqual(listConsoles('console='), [own, 'console=', own]);
  t.deepEqual(
    listConsoles('console=ttyS1,9600 console=ttyS10'),
    [own, 'console=ttyS10', own],
    'ttyS1 is the port of the probe',
  );
  t.deepEqual(listConsoles(own, 'aarch64'), ['console=ttyAMA0', own, 'console=ttyAMA0']);
});

test('the first bytes of a kernel tell its architecture', (t) => {
  const bytes = (offset: number, text: string) => {
    const start = Buffer.alloc(1024);
    start.write(text, offset, 'latin1');
    return start;
  };
  t.is(detectArchitecture(bytes(0x202, 'HdrS')), 'x86_64');
  t.is(detectArchitecture(bytes(0x38, 'ARM\x64')), 'aarch64');
  t.is(detectArchitecture(gzipSync(bytes(0x38, 'ARM\x64'))), 'aarch64');
  const cut = gzipSync(
    Buffer.concat([
      bytes(0x38, 'ARM\x64'),
      Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * i) & 255)),
    ]),
  );
  t.is(detectArchitecture(cut.subarray(0, cut.length - 20)), 'aarch64');
  const elf = bytes(0, '\x7fELF');
  elf[18] = 62;
  t.is(detectArchitecture(elf), 'x86_64');
  t.is(detectArchitecture(Buffer.from('070701')), undefined);
  t.is(detectArchitecture(gzipSync(Buffer.from('070701'))), undefined);
  t.is(detectArchitecture(new Uint8Array()), undefined);
});

test('an emulated processor lacks what only slows it down, where QEMU can leave it out', (t) => {
  const processorOf = (architecture: Machine['architecture'], version?: string) =>
    wordAfter(createArguments({ ...machine, architecture, version }), '-cpu');
  const today = 'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)';
  t.is(processorOf('x86_64', today), 'max,erms=off,fsrm=off');
  t.is(processorOf('aarch64', today), 'max,pauth-impdef=on');
  t.is(processorOf('aarch64', 'QEMU emulator version 10.0.2'), 'max,pauth-impdef=on');
  t.is(processorOf('riscv64', today), 'rv64');
  for (const version of ['QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11)', 'no version', undefined])
    t.is(processorOf('x86_64', version), 'max');
});
