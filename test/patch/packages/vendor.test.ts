import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createTestFolder } from '../../fixtures/archive.js';
import { callMoby } from '../../fixtures/command-context.js';
import { noNamespaces } from '../../fixtures/local-executor.js';
import { declareSerialTest } from '../../fixtures/needs.js';
import { createAlpineRoot, noAlpineRoot } from '../support/alpine-root.js';
import { noAddress, servePackages } from '../support/package-server.js';

const patch = `title: hello
steps:
  - package: {apk: [hello]}
  - run: echo done >/etc/done
`;

async function createBench(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  const { pristine } = await createAlpineRoot(t);
  const repository = join(folder, 'repository');
  await rename(join(pristine, 'repo'), repository);
  const server = await servePackages(t, repository);
  await writeFile(join(pristine, 'etc/apk/repositories'), `${server.address}\n`);
  const pack = 'find . | cpio -o -H newc --quiet | gzip -1 >"$0"';
  execFileSync('sh', ['-c', pack, join(folder, 'stock.img')], { cwd: pristine });
  await mkdir(join(folder, 'hello'));
  await writeFile(join(folder, 'hello/patch.yaml'), patch);
  const config = 'image: stock.img\npatches: [./hello]\noutput: out.img\nengine: local\n';
  await writeFile(join(folder, 'moby-patch.yaml'), config);
  const run = (...args: string[]) => callMoby(args, folder, { MOBY_PATCH_CACHE: join(folder, 'cache') });
  const build = (...args: string[]) => run('build', '--no-verify', '-q', ...args);
  return { folder, server, repository, run, build };
}

declareSerialTest(
  noAlpineRoot ?? noNamespaces ?? noAddress,
  'a lock keeps the packages: they are installed when no mirror has them, and only as they were',
  async (t) => {
    const { folder, server, repository, run, build } = await createBench(t);
    const refuse = async (code: RegExp, ...args: string[]) => {
      const { code: exit, stderr } = await build(...args);
      t.is(exit, 2, stderr);
      t.regex(stderr, code);
    };
    await refuse(
      /one step needs a network[^\n]*package apk: hello \(.*3:5\).*\[offline-network\]/,
      '--offline',
    );
    t.is((await build()).code, 0);
    const wanted = await readFile(join(folder, 'out.img'));
    const locked = await run('lock', '--vendor', 'vendor');
    t.is(locked.code, 0, locked.stderr);
    t.regex(locked.stdout, /kept 3 files of their repositories in vendor\n.*build --locked --offline/);
    const kept = await readdir(join(folder, 'vendor/apk'));
    t.deepEqual(
      kept.sort().map((name) => name.replace(/[0-9a-f]{8}/, 'HASH')),
      ['APKINDEX.HASH.tar.gz', 'hello-1.0-r0.HASH.apk', 'hello-libs-2.1-r3.HASH.apk'],
    );

    const report = JSON.parse((await run('build', '--no-verify', '--json', '--twice')).stdout);
    t.regex(
      report.steps[0].output,
      /Installing hello-libs[\s\S]*Installing hello /,
      'the log has one line of it',
    );
    await rm(join(folder, 'cache'), { recursive: true });
    const lost = await run('lock', '--vendor', 'vendor');
    t.regex(lost.stderr, /the build cache no longer has .*\[vendor-lost\]/);

    server.asked();
    server.close();
    const offline = ['--locked', '--offline', '--no-cache'];
    await rm(join(folder, 'out.img'));
    const again = await build(...offline);
    t.is(again.code, 0, again.stderr);
    t.true((await readFile(join(folder, 'out.img'))).equals(wanted), 'the same bytes without a mirror');

    const package1 = join(folder, 'vendor/apk', kept.find((name) => name.startsWith('hello-1')) ?? '');
    const bytes = await readFile(package1);
    const changed = Buffer.from(bytes);
    changed[100] = (changed[100] ?? 0) ^ 1;
    await writeFile(package1, changed);
    await refuse(/hello-1\.0.*: found \d+ bytes with the digest .*\[vendor-changed\]/, ...offline);
    await writeFile(package1, Buffer.concat([bytes, Buffer.from('more')]));
    await refuse(/found more than \d+ bytes/, ...offline);
    await rm(package1);
    execFileSync('mkfifo', [package1]);
    await refuse(/found a FIFO.*\[vendor-missing\]/, ...offline);
    await rm(package1);
    await refuse(/hello-1\.0.*\[vendor-missing\]/, ...offline);
    t.true((await readFile(join(folder, 'out.img'))).equals(wanted), 'the output of before stays');
    await rm(repository, { recursive: true });
  },
);
