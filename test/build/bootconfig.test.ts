import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/images/moby.js';
import { createFolder } from '../patch/support/patch-folder.js';

const root = gzip(
  createArchive([
    directory('etc'),
    file('etc/hello', 'hello\n'),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
  ]),
);

const patch = `title: Panic late
parameters:
  seconds: {description: how long, default: "10"}
steps:
  - bootconfig: {set: {kernel.panic: "\${seconds}", init.arg: [a, b c]}, remove: [kernel.quiet]}
`;

test('a patch changes the boot configuration of an image; build, inspect and diff say so', async (t) => {
  const folder = await createFolder(t, { 'late/patch.yaml': patch });
  const stock = Buffer.concat([
    root,
    encodeBootconfig('# stock\nkernel { panic = 1; quiet }\n', root.length),
  ]);
  await writeFile(join(folder, 'stock.img'), stock);
  const call = (...argv: string[]) => runMoby(argv, { folder });

  for (const mode of ['rewrite', 'append']) {
    const built = await call(
      'build',
      '-i',
      'stock.img',
      '-p',
      './late',
      '-o',
      `${mode}.img`,
      '--mode',
      mode,
      '--no-verify',
    );
    t.is(built.code, 0, built.stderr);
    t.regex(built.stdout, /late: bootconfig kernel\.panic init\.arg -kernel\.quiet/);
    t.regex(built.stdout, /0 added, 0 changed, 0 removed, bootconfig changed/);
    t.true((await readFile(join(folder, `${mode}.img`))).subarray(0, root.length).equals(root));
  }
  t.true((await readFile(join(folder, 'append.img'))).equals(await readFile(join(folder, 'rewrite.img'))));

  const { stdout } = await call('inspect', '--json', 'rewrite.img');
  const { bootconfig, segments } = JSON.parse(stdout);
  t.deepEqual(bootconfig.keys, { 'kernel.panic': ['10'], 'init.arg': ['a', 'b c'] });
  t.true(bootconfig.text.startsWith('# stock\n'));
  t.is(segments.at(-1).kind, 'bootconfig');
  t.regex(
    (await call('inspect', 'rewrite.img')).stdout,
    /^bootconfig {2}2 keys\n {2}kernel\.panic = 10\n {2}init\.arg = a, "b c"$/m,
  );

  const diff = await call('diff', 'stock.img', 'rewrite.img');
  t.is(
    diff.stdout,
    [
      '+ bootconfig init.arg = a, "b c"',
      '~ bootconfig kernel.panic = 10  (before: kernel.panic = 1)',
      '- bootconfig kernel.quiet',
      '0 added, 0 changed, 0 removed, bootconfig changed',
      '',
    ].join('\n'),
  );
  const again = await call(
    'build',
    '-i',
    'rewrite.img',
    '-p',
    './late',
    '-o',
    'again.img',
    '--no-verify',
    '--again',
  );
  t.regex(again.stdout, /already done/);
  t.true((await readFile(join(folder, 'again.img'))).equals(await readFile(join(folder, 'rewrite.img'))));
});

test('a build without patches gives back an image with bytes that no kernel reads, and says so with the command', async (t) => {
  const folder = await createTestFolder(t);
  const bytes = Buffer.concat([pad(root), Buffer.alloc(1), createArchive([file('lost', 'x')])]);
  await writeFile(join(folder, 'stock.img'), bytes);
  const { code, stdout, stderr } = await runMoby(
    ['build', '-i', 'stock.img', '-o', 'same.img', '--no-verify'],
    { folder },
  );
  t.is(code, 0, stderr);
  t.true((await readFile(join(folder, 'same.img'))).equals(bytes));
  t.regex(
    stdout,
    /warning {2}\d+ bytes from byte \d+ on: a cpio archive that is not at a multiple of four.*; try: \(head -c/,
  );
});

test('the first error about a file that is no initrd is about the file, not about its kernel', async (t) => {
  const folder = await createFolder(t, { 'late/patch.yaml': patch });
  const kernel = Buffer.alloc(2048);
  kernel.write('HdrS', 0x202, 'latin1');
  await writeFile(join(folder, 'kernel'), kernel);
  await writeFile(join(folder, 'kernel.gz'), gzip(kernel));
  for (const argv of [
    ['build', '-p', './late', '-o', 'x', '-i'],
    ['verify'],
    ['inspect'],
    ['plan', '-p', './late', '-i'],
  ]) {
    for (const name of ['kernel', 'kernel.gz']) {
      const { code, stderr } = await runMoby([...argv, name], { folder });
      t.is(code, 2, `${argv} ${name}`);
      t.regex(stderr, /Linux kernel \(bzImage\)/, `${argv} ${name}`);
      t.notRegex(stderr, /no kernel is known/);
    }
  }
});
