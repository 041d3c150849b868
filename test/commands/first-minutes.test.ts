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

/** What a stranger types first, and everything that is said about it. */
interface Situation {
  readonly args: readonly string[];
  /** What standard error has before it. */
  readonly before?: string;
  readonly says: readonly string[];
  readonly code?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const images =
  'the images with a definition are: boot2docker, debian-netboot, docker-for-mac, linux-boot, reference';
const dockerHint = 'start Docker, or set DOCKER_HOST; docker context ls';

/** By what is tried. */
const situations: Readonly<Record<string, Situation>> = {
  'a command `version`': {
    args: ['version'],
    says: ["unknown command 'version' [command-unknown]", 'moby-patch --version'],
  },
  'a command `list`': {
    args: ['list'],
    says: [
      "unknown command 'list' [command-unknown]",
      'moby-patch ls IMAGE; the patches: moby-patch patches',
    ],
  },
  'a mistyped command': {
    args: ['biuld'],
    says: ["unknown command 'biuld' [command-unknown]", 'moby-patch build'],
  },
  'help for no command': {
    args: ['help', 'toString'],
    says: ["there is no command 'toString' to help with [command-unknown]", 'moby-patch --help'],
  },
  'help for no command of a command': {
    args: ['host', 'help', 'nope'],
    says: ["there is no command 'nope' to help with [command-unknown]", 'moby-patch host --help'],
  },
  'a build that shall do nothing': {
    args: ['build', '--dry-run'],
    says: ["unknown option '--dry-run' [option-unknown]", 'moby-patch plan, with the same options'],
  },
  'a mistyped option': {
    args: ['build', '--imgae', 'x'],
    says: ["unknown option '--imgae' [option-unknown]", 'moby-patch build --image'],
  },
  'a wrong value': {
    args: ['build', '--level', 'x'],
    says: [
      "option '--level <number>' argument 'x' is invalid. wanted a whole number, like 6 [option-wrong]",
      'moby-patch build --help',
    ],
  },
  'an option twice': {
    args: ['build', '-o', 'a', '-o', 'b'],
    says: [
      "option '-o, --output <file>' was given twice, and takes one value [option-wrong]",
      'moby-patch build --help',
    ],
  },
  'an image as an argument of build': {
    args: ['build', 'initrd.img'],
    says: [
      "too many arguments for 'build'. Expected 0 arguments but got 1 [arguments-wrong]",
      'moby-patch build -i initrd.img',
    ],
  },
  'a patch as an argument of plan': {
    args: ['plan', 'motd/patch.yaml'],
    says: [
      "too many arguments for 'plan'. Expected 0 arguments but got 1 [arguments-wrong]",
      'moby-patch plan -p motd/patch.yaml',
    ],
  },
  'one image to compare': {
    args: ['diff'],
    says: ["missing required argument 'a' [arguments-wrong]", 'moby-patch diff --help'],
  },
  'a tar as an image': {
    args: ['inspect', 'a.tar'],
    says: [
      'a.tar: found a tar archive, wanted an initrd (at byte 0) [image-invalid]',
      'moby-patch repack a.tar -o initrd.img',
    ],
  },
  'a compressed tar as an image': {
    args: ['inspect', 'a.tgz'],
    says: [
      'a.tgz: found a gzip member that holds a tar archive, wanted a cpio archive in it (at byte 0) [image-invalid]',
      'gzip -dc < a.tgz > inside; moby-patch repack inside -o initrd.img',
    ],
  },
  'a zip as an image': {
    args: ['inspect', 'a.zip'],
    says: [
      'a.zip: found a zip archive, wanted an initrd (at byte 0) [image-invalid]',
      'unzip -d parts a.zip, then give the initrd in parts',
    ],
  },
  'a disk as an image': {
    args: ['inspect', 'a.qcow2'],
    says: [
      'a.qcow2: found a qcow2 disk, wanted an initrd (at byte 0) [image-invalid]',
      'qemu-img convert -O raw a.qcow2 disk.raw; losetup --find --show --partscan --read-only disk.raw, mount its partition, and give the initrd in it',
    ],
  },
  'an ISO as an image': {
    args: ['inspect', 'a.iso'],
    says: [
      'a.iso: it is an ISO 9660 image, and boots no initrd that its loaders name [wrapper-part]',
      'name one: a.iso#boot/initrd.img, a.iso#casper/initrd.gz',
    ],
  },
  'a kernel as an image': {
    args: ['inspect', 'sub/vmlinuz'],
    says: [
      'sub/vmlinuz: found a Linux kernel (bzImage), wanted an initrd (at byte 0) [image-invalid]',
      'moby-patch build -i INITRD --kernel sub/vmlinuz',
    ],
  },
  'an empty file as an image': {
    args: ['inspect', 'empty.img'],
    says: [
      'empty.img: the file is empty, wanted an initrd [image-invalid]',
      'get a whole initrd: the installers of distributions have one as initrd.gz, Linux as /boot/initrd.img-*',
    ],
  },
  'a folder as an image': {
    args: ['inspect', 'sub'],
    says: [
      'sub: found a folder, wanted the file of an image [image-unreadable]',
      'give the file of an image; of a folder that unpack wrote: moby-patch repack sub -o initrd.img',
    ],
  },
  'a patch as an image': {
    args: ['build', '-i', 'patches/motd'],
    says: [
      'patches/motd: found a folder, wanted the file of an image [image-unreadable]',
      'it is a patch: -i IMAGE -p ./patches/motd',
    ],
  },
  'an image that is not there': {
    args: ['inspect', 'sub/none.gz'],
    says: [
      'found neither a file sub/none.gz nor an image definition of this name [image-unknown]',
      `ls sub; ${images}`,
    ],
  },
  'no kernel': {
    args: ['build', '-q', '-i', 'initrd.img', '-p', 'motd'],
    says: [
      'initrd.img: no kernel is known that boots this image (none lies beside it in FOLDER) [kernel-missing]',
      '--kernel FILE, or --no-verify to write the image without a proof that it boots',
    ],
  },
  'no Docker': {
    args: ['build', '-q', '--no-verify', '-i', 'initrd.img', '-p', './run', '--engine', 'docker'],
    environment: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
    says: [
      'the engine docker is not ready: no Docker daemon at unix:///nonexistent/docker.sock (DOCKER_HOST): there is no such socket [engine-not-ready]',
      `${dockerHint}; or use --engine local`,
    ],
    code: 5,
  },
  'a DOCKER_HOST that nothing listens on': {
    args: ['build', '-q', '--no-verify', '-i', 'initrd.img', '-p', './run', '--engine', 'docker'],
    environment: { DOCKER_HOST: 'tcp://127.0.0.1:1' },
    says: [
      'the engine docker is not ready: no Docker daemon at tcp://127.0.0.1:1 (DOCKER_HOST): nothing listens there [engine-not-ready]',
      `${dockerHint}; or use --engine local`,
    ],
    code: 5,
  },
  'a DOCKER_HOST that is none': {
    args: ['build', '-q', '--no-verify', '-i', 'initrd.img', '-p', './run', '--engine', 'docker'],
    environment: { DOCKER_HOST: 'nonsense://' },
    says: [
      'the engine docker is not ready: DOCKER_HOST is "nonsense://", which is no address of a Docker daemon [engine-not-ready]',
      'export DOCKER_HOST=unix:///var/run/docker.sock; or use --engine local',
    ],
    code: 5,
  },
  'a patch that is a file': {
    args: ['plan', '--no-verify', '-i', 'initrd.img', '-p', './mine.yaml', '--json'],
    says: [
      'patch mine.yaml: found no patch.yaml in mine.yaml [patch-unknown]',
      'a patch is a folder: mkdir mine && mv mine.yaml mine/patch.yaml',
    ],
  },
  'a patch that has no mistake but one': {
    args: ['check', './wrong'],
    before:
      'wrong/patch.yaml:3:5: unknown kind of step "fil" (did you mean "file"?) [step-unknown]\n  try: docs/steps.md has all kinds\n',
    says: ['1 error in 1 file [check-failed]', 'mend what each line names, then moby-patch check'],
  },
  'a folder to repack that is not there': {
    args: ['repack', 'none', '-o', 'x'],
    says: [
      'none: cannot open it: ENOENT [input-unreadable]',
      'give a folder that moby-patch unpack wrote, a tar, or an image',
    ],
  },
};

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
  the steps need commands, and no engine can run them: docker: no permission to use unix://docker.sock (DOCKER_HOST); local: the local engine needs root, this process has the user id 65534 [no-engine]
    try: sudo usermod -aG docker "$USER", then log in again; or unshare --user --map-root-user --map-auto moby-patch ... (apt-get install uidmap) makes you root of a namespace of your own; or sudo
  initrd.patched.img: cannot write the file: EACCES; what was there is as it was [output-unwritable]
    try: name a place that can be written to
`,
    );
  },
);
