import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder } from '../fixtures/archive.js';
import { findMissingCodec } from '../fixtures/codecs.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { findWrittenImage, noWriters, type Writer } from '../fixtures/images/debian-writers.js';
import { findArmInstaller, findInstaller, findKernel } from '../fixtures/images/kernel.js';
import { writeMkinitcpio } from '../fixtures/images/mkinitcpio.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

// What machines are booted from, by the programs that write it: what a person does with each, from the first look to a
// boot of both ways to write a patch.

const kernel = await findKernel();
const installer = await findInstaller();
const installer32 = await findInstaller('i386');
const arm = await findArmInstaller();
const noKernel = typeof kernel === 'string' ? kernel : undefined;

interface Machine {
  readonly initrd: string;
  readonly kernel: string;
  /** A folder with its QEMU, where that is not installed. */
  readonly programs?: string;
}

interface Vendor {
  readonly name: string;
  readonly missing: string | undefined;
  find(folder: string): Promise<Machine>;
  /** What `inspect` must say: codecs of the archives, and what is in them. */
  readonly codecs: readonly string[];
  readonly system: object;
  /** A line of its own that a boot shows. */
  readonly console: string;
  /** A 32-bit kernel does not run the program that attests. */
  readonly isUnattested?: boolean;
}

async function findWritten(writer: Writer): Promise<Machine> {
  if (typeof kernel === 'string') throw new Error(kernel);
  const initrd = await findWrittenImage(writer, kernel);
  if (initrd === undefined) throw new Error(`the packages of ${writer} cannot be downloaded`);
  return { initrd, kernel: kernel.kernel };
}

async function expectFound<T>(found: T | string): Promise<T> {
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const vendors: readonly Vendor[] = [
  {
    name: "Debian's installer for amd64",
    missing: typeof installer === 'string' ? installer : undefined,
    find: () => expectFound(installer),
    codecs: ['gzip'],
    system: { packageManagers: ['udpkg'], init: 'busybox' },
    console: 'Starting system log daemon',
  },
  {
    name: "Debian's installer for i386",
    missing: typeof installer32 === 'string' ? installer32 : undefined,
    find: () => expectFound(installer32),
    codecs: ['gzip'],
    system: { packageManagers: ['udpkg'], init: 'busybox' },
    console: 'Starting system log daemon',
    isUnattested: true,
  },
  {
    name: "Debian's installer for arm64",
    missing: typeof arm === 'string' ? arm : undefined,
    find: () => expectFound(arm),
    codecs: ['gzip'],
    system: { packageManagers: ['udpkg'], init: 'busybox' },
    console: 'Starting system log daemon',
  },
  {
    name: 'mkinitramfs with microcode, zstd',
    missing: noWriters ?? noKernel,
    find: () => findWritten('mkinitramfs'),
    codecs: ['none', 'zstd'],
    system: { packageManagers: [] },
    console: 'Loading, please wait',
  },
  {
    name: 'dracut with microcode',
    missing: noWriters ?? noKernel,
    find: () => findWritten('dracut'),
    codecs: ['none', 'gzip'],
    system: { packageManagers: [], init: 'systemd', os: { id: 'debian' } },
    console: 'Welcome to Debian',
  },
  {
    name: "the shape of mkinitcpio's, with microcode, zstd",
    missing: noKernel ?? noBusybox ?? findMissingCodec('zstd'),
    async find(folder) {
      const { kernel: file } = await expectFound(kernel);
      return { initrd: await writeMkinitcpio(join(folder, 'initramfs-linux.img')), kernel: file };
    },
    codecs: ['none', 'zstd'],
    system: { packageManagers: [], os: { id: 'arch' } },
    console: ':: running hook \\[keymap\\]',
  },
];

const content = 'by a patch\n';
const patch = `title: One file\nsteps:\n  - file: {path: etc/one-file, content: ${JSON.stringify(content)}}\n`;

for (const { name, missing, find, codecs, system, console, isUnattested } of vendors)
  declareSerialTest(
    missing ?? findMissingProgram('qemu-system-x86_64'),
    `${name}: looked at, copied, patched both ways, compared and booted`,
    async (t) => {
      const folder = await createTestFolder(t);
      const { initrd, kernel: file, programs } = await find(folder);
      const call = createCaller(t, folder, programs);
      const { segments, system: found, hazards } = JSON.parse(await call(['inspect', '--json', initrd]));
      const archives = segments.filter(({ kind }: { kind: string }) => kind === 'cpio');
      t.deepEqual(
        archives.map(({ compression }: { compression: { codec: string } }) => compression.codec),
        codecs,
      );
      t.like(found, system);
      t.deepEqual(hazards, []);

      await call(['build', '-q', '-i', initrd, '-o', 'copy', '--no-verify']);
      t.true((await readFile(join(folder, 'copy'))).equals(await readFile(initrd)), 'a copy is the input');

      await mkdir(join(folder, 'one-file'));
      await writeFile(join(folder, 'one-file/patch.yaml'), patch);
      const boot = ['--kernel', file, '--expect', console, '--timeout', '1800', '--json'];
      for (const mode of ['rewrite', 'append']) {
        const argv = ['build', '-q', '-i', initrd, '-p', './one-file', '-o', mode, '--mode', mode];
        const attested = isUnattested === true ? [] : ['--attest'];
        const expected = [...attested, '--expect-file', `etc/one-file=${content}`, ...boot];
        const report: Report = JSON.parse(await call([...argv, ...expected]));
        t.is(report.boot?.verdict, 'passed', mode);
        if (isUnattested !== true) t.deepEqual(report.boot?.attestation?.differences, [], mode);
        t.log(`${mode}: ${report.boot?.seconds} s, ${report.boot?.warnings.join('; ')}`);
        const { differences } = JSON.parse(await call(['diff', '--json', initrd, mode]));
        t.like(differences, [{ kind: 'added', path: 'etc/one-file' }], mode);
        t.is(differences.length, 1);
      }
      const same = JSON.parse(await call(['diff', '--json', 'rewrite', 'append']));
      t.deepEqual(same.differences, [], 'both ways lead to the same tree');
      const old = await readFile(initrd);
      t.true((await readFile(join(folder, 'append'))).subarray(0, old.length).equals(old), 'the input stays');
    },
  );

function createCaller(t: ExecutionContext, folder: string, programs: string | undefined) {
  const environment = programs === undefined ? {} : { PATH: [programs, process.env.PATH].join(delimiter) };
  return async (argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMoby(argv, { folder, environment });
    t.true(
      code === 0 || (argv[0] === 'diff' && code === 3),
      `${argv.join(' ')}\n${stderr}\n${stdout.slice(-3000)}`,
    );
    return stdout;
  };
}
