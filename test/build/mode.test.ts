import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
} from '../fixtures/archive.js';
import { createData } from '../fixtures/codecs.js';
import { runMoby } from '../fixtures/images/moby.js';

const stock = pad(
  gzip(
    createArchive([
      directory('.'),
      file('init', 'x', { mode: 0o100755 }),
      directory('etc'),
      file('etc/old', 'old'),
    ]),
  ),
);

/** A folder with an image, a patch `add` and a patch `remove`. */
async function createBench(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'stock.img'), stock);
  const patches = { add: '- file: {path: etc/motd, content: hi}', remove: '- remove: {path: etc/old}' };
  for (const [name, step] of Object.entries(patches)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'patch.yaml'), `title: ${name}\nsteps:\n  ${step}\n`);
  }
  const build = (...args: string[]) =>
    runMoby(
      [
        'build',
        '--no-verify',
        '--json',
        '-i',
        'stock.img',
        ...(args.includes('--split') ? [] : ['-o', 'out.img']),
        ...args,
      ],
      { folder },
    );
  return { folder, build, read: (name: string) => readFile(join(folder, name)) };
}

test('--mode append: the output begins with the input; report and manifest say so', async (t) => {
  const { build, read } = await createBench(t);
  const { code, stdout, stderr } = await build('-p', './add', '--mode', 'append');
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { mode: { name: 'append' }, diff: { added: 1, removed: 0, changed: 0 } });
  t.true((await read('out.img')).subarray(0, stock.length).equals(stock));
  t.like(JSON.parse((await read('out.img.manifest.json')).toString()), { mode: 'append' });
});

test('--as overlay writes only the archive that is appended, which a loader puts behind the image', async (t) => {
  const { folder, build, read } = await createBench(t);
  // Neither a multiple of four nor of anything else.
  const unaligned = Buffer.concat([stock, Buffer.alloc(1)]);
  await writeFile(join(folder, 'stock.img'), unaligned);
  const { code, stdout, stderr } = await build('-p', './add', '--as', 'overlay');
  t.is(code, 0, stderr);
  const overlay = await read('out.img');
  t.like(JSON.parse(stdout), { overlay: { size: overlay.length }, mode: { name: 'append' } });
  t.like(JSON.parse((await read('out.img.manifest.json')).toString()), { output: { size: overlay.length } });
  await using image = await openBytes(t, Buffer.concat([pad(unaligned), overlay]));
  t.true(image.entries.has('etc/motd'));
  t.true(image.entries.has('etc/old'));
  t.is(overlay[0], 0x1f, 'it begins with the archive');
  for (const more of [
    ['--mode', 'rewrite'],
    ['--split', 'folder'],
  ])
    t.is(
      JSON.parse((await build('-p', './add', '--as', 'overlay', ...more)).stdout).error.code,
      'overlay-unfit',
    );
});

test('--mode append with a removal: exit 2, the path and the rule, and no output', async (t) => {
  const { build, read } = await createBench(t);
  const { code, stdout } = await build('-p', './remove', '--mode', 'append');
  t.is(code, 2);
  const { error } = JSON.parse(stdout);
  t.like(error, { code: 'append-impossible', path: 'etc/old' });
  t.regex(error.message, /removed, and an appended archive cannot take a name away/);
  await t.throwsAsync(read('out.img'), { code: 'ENOENT' });
});

test('mode: auto of the file: append where it can be, otherwise rewrite with the reason', async (t) => {
  const { folder, build } = await createBench(t);
  await writeFile(join(folder, 'moby-patch.yaml'), 'mode: auto\n');
  const modes: unknown[] = [];
  for (const patch of ['./add', './remove']) {
    const { stdout } = await build('-c', 'moby-patch.yaml', '-p', patch);
    modes.push(JSON.parse(stdout).mode);
  }
  t.like(modes[0], { name: 'append' });
  t.like(modes[1], {
    name: 'rewrite',
    reason: 'etc/old: it is removed, and an appended archive cannot take a name away',
  });
  const plan = await runMoby(['plan', '--no-verify', '-i', 'stock.img', '-p', './add', '--mode', 'auto'], {
    folder,
  });
  t.regex(plan.stdout, /^mode {4}auto: append if the changes allow it/m);
});

test('--single-member: build and repack write what others cut as one member', async (t) => {
  const { folder, read } = await createBench(t);
  const body = createData(1_200_000);
  const large = ['a', 'b', 'c'].map((name) => ({ name, body, mode: 0o100644 }));
  const members = [directory('.'), file('init', 'x'), directory('etc'), ...large];
  await writeFile(join(folder, 'stock.img'), gzip(createArchive(members), 1));
  const count = async (name: string) =>
    (await openBytes(t, await read(name))).layout.segments.map((segment) => segment.members);
  const run = async (...args: string[]) => {
    const { code, stderr } = await runMoby(args, { folder });
    t.is(code, 0, stderr);
  };
  await run('build', '--no-verify', '-i', 'stock.img', '-o', 'cut.img', '-p', './add', '--level', '1');
  // Three large files, what is added, and the TRAILER.
  t.deepEqual(await count('cut.img'), [5]);
  await run('build', '--no-verify', '-i', 'cut.img', '-o', 'one.img', '--single-member');
  t.deepEqual(await count('one.img'), [1]);
  await run('unpack', 'cut.img', '-o', 'cut.tar');
  await run('repack', 'cut.tar', '-o', 'again.img');
  t.deepEqual(await count('again.img'), [4]);
  await run('repack', 'cut.tar', '-o', 'again-one.img', '--single-member');
  t.deepEqual(await count('again-one.img'), [1]);
});
