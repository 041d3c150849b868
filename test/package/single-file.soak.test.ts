import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProjectFolder, motd, writePatch } from '../commands/project.js';
import { cli } from '../fixtures/images/moby.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { findNode, noNodeBinaries } from '../fixtures/node-versions.js';

for (const major of [20, 22, 24])
  declareSerialTest(noNodeBinaries, `one file with Node ${major} inside is the whole program`, async (t) => {
    const folder = await createProjectFolder(t);
    await writePatch(folder, motd);
    const program = join(folder, 'moby-patch');
    execFileSync(process.execPath, ['scripts/single-file.mjs', program, await findNode(major)], {
      stdio: 'pipe',
    });
    const cache = join(folder, 'cache');
    const environment = { PATH: '/nonexistent', HOME: folder, MOBY_PATCH_CACHE: 'none' };
    const run = (file: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
      spawnSync(file, args, {
        cwd: folder,
        encoding: 'utf8',
        env: { ...environment, XDG_CACHE_HOME: cache, ...more },
      });
    const first = run(program, ['doctor']);
    t.true(first.stdout.includes(`, Node ${major}.`), first.stderr);
    t.is((await readdir(join(cache, 'moby-patch/program'))).length, 1);
    const build = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '-o'];
    t.is(run(program, [...build, 'one.img']).stderr, '');
    t.is(run(process.execPath, [cli, ...build, 'other.img']).stderr, '');
    t.deepEqual(await readFile(join(folder, 'one.img')), await readFile(join(folder, 'other.img')));
    const none = run(program, ['nope']);
    t.is(none.status, 2);
    t.regex(none.stderr, /^moby-patch: unknown command 'nope'/);
    // Where others can write, nothing of the program is kept.
    await mkdir(join(folder, 'shared'), { mode: 0o777 });
    execFileSync('chmod', ['777', join(folder, 'shared')]);
    const aside = run(program, ['--version'], { XDG_CACHE_HOME: join(folder, 'shared'), TMPDIR: folder });
    t.is(aside.stdout, first.stdout.replace(/^.*moby-patch (\S+),[\s\S]*/, '$1\n'));
    t.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('moby-patch-')),
      [],
    );
  });
