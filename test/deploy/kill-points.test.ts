import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { removeAbandoned } from '#src/io/place/scratch.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { sample } from '../fixtures/soak.js';
import { createApplication, createRelease, findState, sha256 } from './application.js';
import { createFaults } from './faults/faults.js';

const missing = process.platform === 'linux' ? findMissingProgram('cc') : 'skipped: not Linux';
const image = gzip(
  createArchive([
    directory('.'),
    directory('etc'),
    file('etc/motd', 'hello\n'),
    file('etc/noise', Array.from({ length: 30_000 }, (_, index) => `${index * 7919}`).join(' ')),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    directory('bin'),
    file('bin/sh', 'x', { mode: 0o100755 }),
  ]),
);

/** A QEMU whose guest says hello and ends: the boot is refused, and nothing is slow. */
const qemu = `#!/bin/sh
case "$1" in --version) echo 'QEMU emulator version 7.2'; exit ;; esac
echo 'Linux version 6.1'
`;

/** A folder with an image, a kernel, and a folder of its own for temporary files. */
async function setUp(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const kernel = Buffer.alloc(4096);
  kernel.write('HdrS', 0x202);
  for (const name of ['bin', 'tmp']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'in.img'), image);
  await writeFile(join(folder, 'kernel'), kernel);
  await writeFile(join(folder, 'bin/qemu-system-x86_64'), qemu);
  await chmod(join(folder, 'bin/qemu-system-x86_64'), 0o755);
  const environment = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    TMPDIR: join(folder, 'tmp'),
    MOBY_PATCH_CACHE: 'none',
  };
  /** The names that were not there before, without what a killed run left and `prune` removes. */
  const listNew = async () => {
    await removeAbandoned(join(folder, 'tmp'), 'scratch');
    await removeAbandoned(folder, 'output');
    t.deepEqual(await readdir(join(folder, 'tmp')), []);
    return (await readdir(folder)).filter((name) => !['bin', 'in.img', 'kernel', 'tmp'].includes(name));
  };
  return { folder, environment, listNew };
}

const listPoints = (calls: readonly string[]) => calls.map((_, index) => index + 1);

const commands = {
  unpack: ['unpack', 'in.img', '-o', 'root'],
  'unpack to a tar': ['unpack', 'in.img', '-o', 'root.tar'],
  repack: ['repack', 'given', '-o', 'out.img'],
  verify: [
    'verify',
    'in.img',
    '--kernel',
    'kernel',
    '--accelerator',
    'tcg',
    '--console',
    'console.log',
    '-q',
  ],
} as const;

for (const [name, argv] of Object.entries(commands)) {
  declareSerialTest(missing, `kill -9 before every call of ${name} that changes the disk`, async (t) => {
    const { folder, environment, listNew } = await setUp(t);
    if (name === 'repack') {
      await callMoby(['unpack', 'in.img', '-o', 'given'], folder, environment);
      await rm(join(folder, 'given/etc/motd'));
    }
    const given = await listNew();
    await using faults = createFaults(folder);
    const run = (at: number) => faults.run({ argv, folder, environment }, { at });
    const first = await run(0);
    t.is(first.code, name === 'verify' ? 4 : 0, first.stderr);
    const calls = faults.calls();
    const whole = await listNew();
    const read = (each: string) => readFile(join(folder, each)).catch(() => 'a folder');
    const contents = new Map(await Promise.all(whole.map(async (each) => [each, await read(each)] as const)));
    // The fault library of `verify` counts for the QEMU that it finds in the PATH of its process.
    const again = () => (name === 'verify' ? run(0) : callMoby(argv, folder, environment));
    const points = sample(listPoints(calls), 2);
    for (const at of points) {
      for (const each of whole) if (!given.includes(each)) await rm(join(folder, each), { recursive: true });
      t.is((await run(at)).code, null, `killed at ${calls[at - 1]}`);
      // What is there is whole: a folder has its sidecar.
      const left = await listNew();
      for (const each of left) t.deepEqual(await read(each), contents.get(each), `${each}, ${calls[at - 1]}`);
      if (left.includes('root')) t.true(left.includes('root.moby-patch.jsonl'));
      if (left.includes('root')) await rm(join(folder, 'root'), { recursive: true });
      t.is((await again()).code, first.code);
      t.deepEqual(await listNew(), whole, calls[at - 1]);
      t.deepEqual(await readFile(join(folder, 'in.img')), image);
    }
    t.log(`${points.length} of ${calls.length} points`);
  });
}

for (const verb of ['reapply', 'watch'] as const) {
  declareSerialTest(missing, `kill -9 before every call of ${verb} that changes the disk`, async (t) => {
    const folder = join(await createTestFolder(t), 'project');
    const application = await createApplication(folder);
    t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
    const next = createRelease({ os: '2' });
    const environment = { XDG_STATE_HOME: application.state, TMPDIR: dirname(folder) };
    await using faults = createFaults(folder);
    const upgrade = () => application.upgrade('1.13.0', next);
    await upgrade();
    const reapply = ['reapply', '-q', '--no-verify'];
    const counted = await faults.run({ argv: reapply, folder, environment }, { at: 0 });
    t.is(counted.code, 0, counted.stderr);
    const calls = faults.calls();
    const patched = await application.digest();
    // It does at least what `reapply` does, and would go on without end if it were not killed.
    const argv =
      verb === 'watch' ? ['watch', '-q', '--no-verify', '--settle', '1', '--interval', '1'] : reapply;
    for (const at of sample(listPoints(calls), 2)) {
      for (const part of ['builds', 'backups', 'state.json'])
        await rm(join(await findState(application), part), { recursive: true, force: true });
      await application.upgrade('1.12.0', createRelease());
      t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
      await upgrade();
      const { code, stderr } = await faults.run({ argv, folder, environment }, { at });
      const where = `${verb} killed at ${faults.calls().at(-1)}`;
      t.is(code, null, `${where}: ${stderr}`);
      const digest = await application.digest();
      t.true([sha256(next), patched].includes(digest), where);
      // Recorded before it is installed: then the one that is installed is a stock image that is known.
      const { status } = await application.status();
      t.true((digest === patched ? ['patched'] : ['upgraded', 'stock']).includes(status), where);
      t.true([0, 6].includes((await application.moby(...reapply)).code ?? 1), where);
      t.is(await application.digest(), patched, where);
      t.deepEqual(await readdir(dirname(application.image)), [basename(application.image)], where);
    }
  });
}

/** Commands in one process, each call that reads failing once. */
const readers = { ...commands, build: ['build', '-i', 'in.img', '--no-verify', '-o', 'out.img', '-q'] };

for (const [name, argv] of Object.entries(readers)) {
  declareSerialTest(
    missing,
    `EIO at every call of ${name} that reads: one error, and nothing is lost`,
    async (t) => {
      const { folder, environment, listNew } = await setUp(t);
      if (name === 'repack') await callMoby(['unpack', 'in.img', '-o', 'given'], folder, environment);
      const given = await listNew();
      await using faults = createFaults(folder, { reads: true });
      const command = { argv, folder, environment };
      const first = await faults.call(command, { at: 0, error: 0 });
      t.is(first.code, name === 'verify' ? 4 : 0, first.stderr);
      const calls = faults.calls();
      const clear = async () => {
        for (const each of await listNew())
          if (!given.includes(each)) await rm(join(folder, each), { recursive: true });
      };
      let refused = 0;
      for (const at of sample(listPoints(calls), 5)) {
        await clear();
        const { code, stderr } = await faults.call(command, { at, error: constants.errno.EIO });
        const where = `${name} with EIO at ${calls[at - 1]}: ${stderr}`;
        if (code === first.code) continue;
        refused += 1;
        t.is(code, 5, where);
        t.regex(stderr, /\(EIO at \w+\)/, where);
        t.deepEqual(await listNew(), given, where);
      }
      t.log(`${calls.length} points, at ${refused} of those tried the command said so`);
      t.true(refused > 0);
      t.deepEqual(await readFile(join(folder, 'in.img')), image);
    },
  );
}
