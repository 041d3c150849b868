import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { createOutputClosedError, guard } from '#src/commands/shared/errors.js';
import { plainAttributes, writeRegularFile } from '#src/folder/write-entry.js';
import { readRegular } from '#src/io/file/regular-file.js';
import { createScratch } from '#src/io/place/scratch.js';
import { createErrorReport } from '#src/model/error/error.js';
import type { ErrorCode } from '#src/model/error/error-code.js';
import { encodeTarBlock, type TarBlock } from '#src/tar/tar-header.js';
import { createConsoleFile } from '#src/verify/boot/console.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { judge } from '#src/verify/boot/judge/verdict.js';
import { createProbe, createWrapper } from '#src/verify/boot/probe/probe.js';
import { createArchive, createTestFolder, file, symlink } from '../fixtures/archive.js';
import { callMoby, createCommandContext } from '../fixtures/command-context.js';

// Codes that no other test is about: what is typed, and the one line that comes of it.

const run = 'title: x\nsteps:\n  - run: "true"\n';
const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

interface Refusal {
  readonly argv: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly code: ErrorCode;
  readonly exit?: number;
  /** What the message has, and the hint. */
  readonly said: string;
  readonly hint?: string;
}

const refusals: readonly Refusal[] = [
  {
    argv: 'cat image',
    code: 'path-missing',
    said: 'no path was named',
    hint: 'moby-patch cat IMAGE PATH...',
  },
  {
    argv: 'ls image:tool',
    code: 'image-invalid',
    said: 'image:tool: found an ELF file: a program, or a kernel (vmlinux), wanted an initrd',
    hint: 'moby-patch cat image tool > inside; moby-patch build -i INITRD --kernel inside (if it is a kernel)',
  },
  {
    argv: 'build -i - --no-verify',
    code: 'image-unknown',
    said: 'found -, wanted a file: standard input is for inspect, ls, cat, diff and unpack',
    hint: 'cat > initrd.img, then -i initrd.img',
  },
  {
    argv: 'ls image [z-a]',
    code: 'path-not-found',
    said: 'image: found no path that matches [z-a]',
    hint: 'moby-patch ls image',
  },
  {
    argv: 'ls image lib/*',
    code: 'path-not-found',
    said: 'image: found no path that matches lib/*',
    hint: "moby-patch ls image 'usr/lib/*'",
  },
  {
    argv: 'ls image odd/*',
    code: 'path-not-found',
    said: 'image: found no path that matches odd/*',
    hint: "moby-patch ls image 'it'\\''s/*'",
  },
  {
    argv: 'repack folder --split out',
    code: 'split-nothing',
    said: 'folder: it was not unpacked from several files',
    hint: 'give one file for the image: -o FILE',
  },
  {
    argv: 'verify image --kernel text --expect booted',
    code: 'kernel-unknown',
    said: 'text is no Linux kernel: found neither a bzImage, an arm64 or riscv Image nor an ELF file',
    hint: 'name the kernel that boots with this image: --kernel FILE',
  },
  {
    argv: 'verify image --kernel kernel --ssh 99999',
    code: 'port-unusable',
    said: '--ssh: found 99999, wanted a port from 1 to 65535',
    hint: '--ssh 2222',
  },
  {
    argv: 'verify image --kernel kernel --shell --json',
    code: 'output-twice',
    said: 'the console of the guest is no JSON',
    hint: 'leave out --json, or --shell and --ssh',
  },
  {
    argv: 'watch -i image -p ./run --json',
    code: 'option-wrong',
    said: 'a watch has no end, and so no value to print',
    hint: 'moby-patch watch --report FILE.json; --json is for --install and --uninstall',
  },
  {
    argv: 'verify image --kernel zimage --expect booted',
    code: 'kernel-unknown',
    said: 'zimage is a Linux kernel (arm zImage), which cannot be booted here: found none of the kernels for x86, arm64 or riscv64',
    hint: 'build without a boot (--no-verify), and boot the result on its own machine',
  },
  {
    argv: 'verify image --kernel kernel',
    code: 'nothing-to-expect',
    said: 'the image has no /bin/sh, so it cannot report what it has reached',
    hint: 'name a line that a good boot prints: --expect REGEX',
  },
  {
    argv: 'verify image --kernel kernel --expect booted --expect-file /etc/a',
    code: 'nothing-to-expect',
    said: 'the image has no /bin/sh, so it cannot report on: file /etc/a',
    hint: 'name a line that a good boot prints: --expect REGEX',
  },
  {
    argv: 'verify image --kernel kernel --expect booted --console nowhere/console.log',
    code: 'output-unwritable',
    said: 'nowhere/console.log: cannot write the file',
    hint: 'create its folder first',
  },
  {
    argv: 'build -i image --no-verify',
    environment: { SOURCE_DATE_EPOCH: 'yesterday' },
    code: 'stamp-invalid',
    said: 'found SOURCE_DATE_EPOCH="yesterday", wanted seconds since 1970',
  },
  {
    argv: 'build -i image -p ./run --engine stream --no-verify',
    code: 'engine-unfit',
    said: 'the engine stream cannot do it',
    hint: 'use --engine auto',
  },
  {
    argv: 'build -i image -p ./run --engine docker --no-verify',
    environment: { DOCKER_HOST: 'unix:///nonexistent' },
    code: 'engine-not-ready',
    exit: 5,
    said: 'the engine docker is not ready',
  },
  { argv: 'check ./wrong', code: 'check-failed', said: '' },
];

for (const { argv, environment = {}, code, exit = 2, said, hint } of refusals)
  test(`${argv}: ${code}`, async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(
      join(folder, 'image'),
      createArchive([
        file('hello', 'hello\n'),
        file('tool', '\x7fELF'),
        symlink('lib', 'usr/lib'),
        symlink('odd', "it's"),
      ]),
    );
    await writeFile(join(folder, 'text'), 'no kernel\n');
    // The marks of a bzImage for x86_64.
    const kernel = Buffer.alloc(2048);
    kernel.writeUInt16LE(0xaa55, 0x1fe);
    kernel.write('HdrS', 0x202);
    kernel.writeUInt16LE(0x20f, 0x206);
    kernel.writeUInt16LE(1, 0x236);
    await writeFile(join(folder, 'kernel'), kernel);
    await writeFile(
      join(folder, 'zimage'),
      Buffer.alloc(2048).fill(Buffer.from([0x18, 0x28, 0x6f, 0x01]), 0x24, 0x28),
    );
    for (const [name, text] of Object.entries({ run, wrong: 'title: x\nsteps:\n  - fly: x\n' })) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'patch.yaml'), text);
    }
    await mkdir(join(folder, 'folder'));
    const found = await callMoby(argv.split(' '), folder, environment);
    t.is(found.code, exit, found.stderr);
    t.regex(found.stderr, new RegExp(`${quote(said)}[^\\n]*\\[${code}\\]`));
    if (hint !== undefined) t.true(found.stderr.includes(`  try: ${hint}\n`), found.stderr);
  });

test('a port that another program has is refused before anything is booted', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const folder = await createTestFolder(t);
  const found = await callMoby(['verify', 'image', '--ssh', `${port}`], folder, {});
  t.is(found.code, 2);
  t.true(
    found.stderr.includes(`port ${port}: another program of this machine listens there [port-unusable]`),
  );
});

const expectation = (content: string) => ({ file: 'etc/x', content });

test('an expected content that is binary or too long for a shell is refused', (t) => {
  const request = { init: 'openrc', nonce: 'n', firstProgram: '/init' } as const;
  for (const content of ['a\0b', 'x'.repeat(40_000)])
    t.throws(() => createProbe({ ...request, expects: [expectation(content)] }), {
      code: 'expectation-content',
    });
  const expects = Array.from({ length: 4 }, () => expectation('x'.repeat(32_000)));
  t.throws(() => createWrapper('n', expects, '/init'), { code: 'expectations-too-long' });
  t.notThrows(() => createProbe({ ...request, expects }), 'OpenRC has a file for them');
});

test('a QEMU that fails is no verdict about the image', (t) => {
  const seen = createObservation('n', [], () => {});
  const terms = { init: 'openrc', timeout: 10, accelerator: 'tcg' } as const;
  const exit = { exitCode: 1, signal: null, message: 'qemu: no such machine' };
  t.throws(() => judge(seen, { kind: 'exited', exit }, terms, 1), {
    code: 'qemu-failed',
    message: 'QEMU ended with exit code 1: qemu: no such machine',
  });
  seen.push(
    Buffer.from(
      "[    0.100000] Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug\n",
    ),
    1,
  );
  t.throws(() => judge(seen, { kind: 'fault' }, terms, 3), { code: 'machine-fault' });
});

test('a full disk is a fault of the machine, whichever command meets it', (t) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  t.like(createErrorReport(full), { kind: 'infrastructure', code: 'machine-fault' });
});

test('a reader of the output that has gone is no error to speak of', async (t) => {
  let said = '';
  const stderr = new PassThrough().on('data', (piece) => {
    said += piece;
  });
  const context = { ...createCommandContext('/'), stderr };
  await guard(context, (_flags: object) => Promise.reject(createOutputClosedError()))({});
  t.is(said, '');
});

test('files that are none, that grow, or that cannot be written are named', async (t) => {
  const folder = await createTestFolder(t);
  await t.throwsAsync(readRegular(folder, 10), { code: 'file-not-regular', message: /found a folder/ });
  // It has size 0, and bytes: what a file looks like that somebody writes to.
  await t.throwsAsync(readRegular('/proc/self/status', 10), { code: 'file-changed' });
  await t.throwsAsync(createScratch('/nonexistent'), {
    code: 'scratch-unwritable',
    message: 'cannot make a temporary folder in /nonexistent: ENOENT',
  });
  await writeFile(join(folder, 'file'), '');
  await t.throwsAsync(createConsoleFile(join(folder, 'file/console.log')), { code: 'console-unwritable' });
  const entry = { path: 'etc/x', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 3 } as const;
  const pieces = async function* () {
    yield Buffer.from('four');
  };
  const body = () => pieces();
  await t.throwsAsync(
    writeRegularFile(Buffer.from(join(folder, 'x')), { ...entry, body }, pieces(), plainAttributes),
    { code: 'body-size', message: 'the body of etc/x has more than 3 bytes, its header says 3' },
  );
});

test('a number that no tar header holds is refused before a byte is written', (t) => {
  const block: TarBlock = {
    ...{ name: Buffer.from('x'), mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0, flag: '0' },
    ...{ linkName: Buffer.alloc(0), device: { major: 0, minor: 0 } },
  };
  t.notThrows(() => encodeTarBlock(block));
  t.throws(() => encodeTarBlock({ ...block, mtime: -1 }), { code: 'tar-number' });
  t.throws(() => encodeTarBlock({ ...block, uid: 8 ** 7 }), { code: 'tar-number' });
});
