import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { createArchive, createTestFolder, file } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { cli } from '../fixtures/images/moby.js';
import { declareTest, notRoot } from '../fixtures/needs.js';
import { sketchIso } from '../wrapper/sketches.js';
import { createProjectFolder, motd, writePatch } from './project.js';
import { situations } from './situations.js';

/** A folder with one of everything. */
async function createPlayground(t: Parameters<typeof createProjectFolder>[0]): Promise<string> {
  const folder = await createProjectFolder(t);
  await writePatch(folder, motd);
  for (const name of ['sub', 'run', 'wrong']) await mkdir(join(folder, name));
  const tar = Buffer.alloc(10_240);
  tar.write('a.txt');
  tar.write('0000644\x000000000\x000000000\x0000000000000\x0000000000000\0', 100);
  tar.write('ustar\x0000', 257);
  const kernel = Buffer.alloc(1024);
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  const files: Record<string, string | Buffer> = {
    'a.tar': tar,
    'a.tgz': gzipSync(tar),
    'a.zip': Buffer.from('504b0304140000000000', 'hex'),
    'a.qcow2': Buffer.from('514649fb00000003'.padEnd(1024, '0'), 'hex'),
    'a.iso': sketchIso({ 'boot/initrd.img': 'one', 'casper/initrd.gz': 'other' }),
    'sub/vmlinuz': kernel,
    'empty.img': '',
    'zeros.img': Buffer.alloc(4096),
    'data.iso': sketchIso({ 'readme.txt': 'none' }),
    'mine.yaml': motd,
    'run/patch.yaml': 'title: Run\nsteps:\n  - run: "true"\n',
    'wrong/patch.yaml': 'title: Wrong\nsteps:\n  - fil: {path: a}\n',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

test('what a stranger tries first has one answer, with what to type', async (t) => {
  const folder = await createPlayground(t);
  for (const [what, { args, before = '', says, code = 2, environment = {} }] of Object.entries(situations)) {
    const ran = await callMoby(args, folder, { HOME: folder, ...environment });
    t.is(ran.stderr, `${before}moby-patch: ${says.join('\n  try: ').replaceAll('FOLDER', folder)}\n`, what);
    t.is(ran.code, code, what);
    if (!args.includes('--json')) t.is(ran.stdout, '', what);
  }
});

test('a usage error is a value with --json', async (t) => {
  const { stdout } = await callMoby(['build', '--dry-run', '--json'], '/', {});
  t.deepEqual(JSON.parse(stdout), {
    failed: true,
    error: {
      kind: 'invalid',
      code: 'option-unknown',
      message: "unknown option '--dry-run'",
      hint: 'moby-patch plan, with the same options',
    },
  });
});

test('a patch is named by its folder or by its patch.yaml', async (t) => {
  const folder = await createPlayground(t);
  const ran = await callMoby(
    ['plan', '-i', 'initrd.img', '--no-verify', '-p', 'patches/motd/patch.yaml'],
    folder,
    {},
  );
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /^step {4}motd: file etc\/motd$/m);
});

test('the plan of patches with mistakes says nothing of their steps', async (t) => {
  const folder = await createPlayground(t);
  const ran = await callMoby(['plan', '-i', 'initrd.img', '--no-verify', '-p', './wrong'], folder, {});
  t.is(ran.code, 2);
  t.notRegex(ran.stdout, /bit for bit|^engine|^mode/m);
  t.regex(ran.stderr, /\[patch-invalid\]\n {2}try: docs\/steps\.md has all kinds\n$/);
});

test('-q prints nothing, and a failure has one stream, and its place in report.md', async (t) => {
  const folder = await createPlayground(t);
  const build = ['build', '-i', 'initrd.img', '--no-verify', '-p'];
  t.deepEqual(await callMoby([...build, 'motd', '-q'], folder, {}), { code: 0, stdout: '', stderr: '' });
  const failed = await callMoby([...build, './run', '--engine', 'stream', '--report', 'r.md'], folder, {});
  t.is(failed.stdout, '');
  t.regex(
    failed.stderr,
    /^FAILED in .*: initrd\.img\n[\s\S]*\nmoby-patch: .*\[engine-unfit\]\n {2}try: .*\n$/m,
  );
  const { stdout } = await callMoby(['cat', 'initrd.img'], folder, {});
  t.is(stdout, '');
  const report = spawnSync('cat', [join(folder, 'r.md')], { encoding: 'utf8' }).stdout;
  t.regex(report, /^\*\*engine-unfit\*\*: .*\n\ntry: `.+`$/m);
});

declareTest(
  notRoot,
  "nobody without QEMU, Docker's group and a writable folder gets every reason at once",
  async (t) => {
    const folder = await createTestFolder(t);
    await chmod(folder, 0o755);
    await writeFile(
      join(folder, 'initrd.img'),
      gzipSync(createArchive([file('init', '#!/bin/sh\n', { mode: 0o100755 })])),
    );
    await mkdir(join(folder, 'run'));
    await writeFile(join(folder, 'run/patch.yaml'), 'title: Run\nsteps:\n  - run: "true"\n');
    const socket = join(folder, 'docker.sock');
    const server = createServer().listen(socket);
    t.teardown(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    await chmod(socket, 0o600);
    const { stderr, status } = spawnSync(
      process.execPath,
      [cli, 'build', '-q', '-i', 'initrd.img', '-p', './run', '--no-verify'],
      {
        cwd: folder,
        uid: 65_534,
        gid: 65_534,
        encoding: 'utf8',
        env: {
          HOME: '/nonexistent',
          PATH: '/nonexistent',
          MOBY_PATCH_CACHE: 'none',
          DOCKER_HOST: `unix://${socket}`,
        },
      },
    );
    t.is(status, 2);
    t.is(
      stderr,
      `moby-patch: 2 problems, found before the first step [build-impossible]
  the steps need commands, and no engine can run them: docker: no permission to use unix://${socket} (DOCKER_HOST); local: the local engine needs root, this process has the user id 65534 [no-engine]
    try: sudo usermod -aG docker "$USER", then log in again; or unshare --user --map-root-user --map-auto moby-patch ... (apt-get install uidmap) makes you root of a namespace of your own; or sudo
  initrd.patched.img: cannot write the file: EACCES; what was there is as it was [output-unwritable]
    try: name a place that can be written to
`,
    );
  },
);
