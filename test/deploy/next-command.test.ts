import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { completeCommands } from '#src/deploy/next-command.js';
import { image, motd } from '../commands/project.js';
import { createArchive, createTestFolder, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { cli } from '../fixtures/images/moby.js';

test('each command of a hint gets the flags that it has, quoted for a shell', (t) => {
  const request = {
    image: 'my image.img',
    config: 'conf/x.yaml',
    patches: ['nfs', "it's"],
    settings: { a: 'b c' },
    level: 9,
    singleMember: true,
  };
  t.is(
    completeCommands('moby-patch restore --force to get it back, or moby-patch apply --adopt', { request }),
    "moby-patch restore -i 'my image.img' -c conf/x.yaml --force to get it back, or moby-patch apply -i 'my image.img' -c conf/x.yaml -p nfs -p 'it'\\''s' -s 'a=b c' --level 9 --single-member --adopt",
  );
  t.is(completeCommands(undefined, { request }), undefined);
  t.is(
    completeCommands('moby-patch apply', { request: {}, lacksPatches: true, lacksKernel: true }),
    'moby-patch apply -p PATCH --kernel FILE',
  );
});

test('the command that status prints works as it is printed', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'conf dir/patches/motd'), { recursive: true });
  await writeFile(join(folder, 'conf dir/patches/motd/patch.yaml'), motd);
  await writeFile(
    join(folder, 'conf dir/my.yaml'),
    'patches: [motd]\nsettings: {name: you}\nkernel: ../vmlinuz\n',
  );
  await writeFile(join(folder, 'vmlinuz'), 'a kernel');
  await writeFile(join(folder, 'installed.img'), image);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder, MOBY_PATCH_CACHE: 'none' };
  const status = async (...more: string[]) => {
    const argv = ['status', '-i', 'installed.img', '-c', 'conf dir/my.yaml', '--json', ...more];
    return JSON.parse((await callMoby(argv, folder, environment)).stdout.toString());
  };
  const { next } = await status('-s', 'name=a b');
  t.is(next, "moby-patch apply -i installed.img -c 'conf dir/my.yaml' -s 'name=a b'");
  const env = { ...process.env, ...environment };
  const shell = (command: string) => {
    const program = `moby-patch() { '${process.execPath}' '${cli}' "$@"; }\n${command}`;
    return execFileSync('bash', ['-c', program], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });
  };
  // Nothing boots this image.
  t.regex(shell(`${next} --no-verify`), /now +patched/);
  t.like(await status('-s', 'name=a b'), { status: 'patched', next: undefined });
  await writeFile(join(folder, 'installed.img'), Buffer.concat([image, Buffer.from('changed')]));
  const foreign = await status();
  t.is(foreign.status, 'foreign');
  const [restore = ''] = /^moby-patch restore .* --force/.exec(foreign.next) ?? [];
  t.is(restore, "moby-patch restore -i installed.img -c 'conf dir/my.yaml' --force");
  t.regex(shell(restore), /put back the stock image/);
});

test('status says what only the user knows: the patches and the kernel', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'installed.img'), image);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder };
  const { stdout } = await callMoby(['status', '-i', 'installed.img'], folder, environment);
  t.regex(stdout.toString(), /^ {2}next: moby-patch apply -i installed\.img -p PATCH --kernel FILE$/m);
});

test('an error of apply names commands that work, too', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/motd'), { recursive: true });
  await writeFile(join(folder, 'patches/motd/patch.yaml'), motd);
  await writeFile(join(folder, 'installed.img'), image);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder, MOBY_PATCH_CACHE: 'none' };
  const apply = () =>
    callMoby(['apply', '-q', '-i', 'installed.img', '-p', 'motd', '--no-verify'], folder, environment);
  t.is((await apply()).code, 0);
  await writeFile(join(folder, 'installed.img'), Buffer.concat([image, Buffer.from('changed')]));
  const { code, stderr } = await apply();
  t.is(code, 1, stderr);
  t.regex(
    stderr,
    /try: moby-patch restore -i installed\.img --force .*moby-patch apply -i installed\.img -p motd --no-verify --adopt/,
  );
  // What was applied is on record, the kernel is not.
  const restored = await callMoby(['restore', '-i', 'installed.img'], folder, environment);
  t.is(restored.code, 1);
  t.regex(restored.stderr, /moby-patch apply -i installed\.img --kernel FILE --adopt/);
  await rm(join(folder, 'state/moby-patch'), { recursive: true });
  const { stderr: early } = await callMoby(['restore', '-i', 'installed.img'], folder, environment);
  t.regex(early, /moby-patch apply -i installed\.img -p PATCH --kernel FILE/);
});

test('apply and reapply take --accept, which the error of a pinned file names', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/motd'), { recursive: true });
  const pinned = `title: T\nsteps:\n  - file: {path: etc/motd, content: ours, was: ${'a'.repeat(64)}}\n`;
  await writeFile(join(folder, 'patches/motd/patch.yaml'), pinned);
  await writeFile(join(folder, 'installed.img'), image);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder, MOBY_PATCH_CACHE: 'none' };
  const call = (...argv: string[]) =>
    callMoby([...argv, '-q', '-i', 'installed.img', '-p', 'motd', '--no-verify'], folder, environment);
  t.regex((await call('apply')).stderr, /as it is: --accept etc\/motd/);
  t.is((await call('apply', '--accept', 'etc/motd')).code, 0);
  await writeFile(join(folder, 'installed.img'), createArchive([file('init', 'another release')]));
  t.regex((await call('reapply')).stderr, /as it is: --accept etc\/motd/);
  t.is((await call('reapply', '--accept', 'etc/motd')).code, 0);
});

test('after a restore, status of another stock image names apply: reapply does nothing then', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patches/motd'), { recursive: true });
  await writeFile(join(folder, 'patches/motd/patch.yaml'), motd);
  await writeFile(join(folder, 'installed.img'), image);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder, MOBY_PATCH_CACHE: 'none' };
  const call = (...argv: string[]) => callMoby([...argv, '-i', 'installed.img'], folder, environment);
  t.is((await call('apply', '-q', '-p', 'motd', '--no-verify')).code, 0);
  t.is((await call('restore', '-q')).code, 0);
  await writeFile(join(folder, 'installed.img'), createArchive([file('init', 'another release')]));
  t.is((await call('reapply', '-q', '-p', 'motd', '--no-verify')).code, 6);
  const { stdout, code } = await call('status', '-p', 'motd');
  t.is(code, 3);
  t.regex(stdout, /^upgraded: .* restored on purpose\n {2}next: moby-patch apply -i installed\.img -p motd/);
});

test('build and plan say that the file of this folder is not used when -i names the image', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'other.img'), image);
  for (const [text, said] of [
    [
      'image: other.img\npatches: [nfs, ./mine]\n',
      /moby-patch\.yaml, with its patches \(nfs, \.\/mine\), is not used/,
    ],
    [
      'kernel: vmlinuz\n',
      /moby-patch\.yaml is not used, since -i names the image; to use it: -c moby-patch\.yaml/,
    ],
    ['no: [such, key\n', /is not used/],
  ] as const) {
    await writeFile(join(folder, 'moby-patch.yaml'), text);
    for (const argv of [
      ['build', '-i', 'other.img', '--no-verify'],
      ['plan', '-i', 'other.img', '--no-verify'],
    ]) {
      const { code, stderr } = await callMoby(argv, folder, {});
      t.is(code, 0, stderr);
      if (argv.includes('-q')) {
        t.is(stderr, '');
        continue;
      }
      t.regex(stderr, said);
      t.is(stderr.match(/not used/g)?.length, 1, stderr);
    }
  }
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: other.img\n');
  t.notRegex((await callMoby(['plan', '--no-verify'], folder, {})).stderr, /not used/);
  t.notRegex(
    (await callMoby(['plan', '-i', 'other.img', '-c', 'moby-patch.yaml', '--no-verify'], folder, {})).stderr,
    /not used/,
  );
});
