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
export const situations: Readonly<Record<string, Situation>> = {
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
  'an option that is like no other': {
    args: ['prune', '--report', 'x.html'],
    says: ["unknown option '--report' [option-unknown]", 'moby-patch prune --help'],
  },
  'a lock of an image that is not built': {
    args: ['lock', '-i', 'initrd.img'],
    says: [
      "unknown option '-i' [option-unknown]",
      'moby-patch build with these options, then moby-patch lock OUTPUT',
    ],
  },
  'a shell that is none': {
    args: ['completion', 'nope'],
    says: [
      "argument 'shell' is 'nope', wanted one of bash, zsh, fish [option-wrong]",
      'moby-patch completion --help',
    ],
  },
  'no image': {
    args: ['plan'],
    says: [
      'no image was named [image-missing]',
      '-i IMAGE, or image: in moby-patch.yaml, which moby-patch init writes',
    ],
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
  'a file of zeros as an image': {
    args: ['inspect', 'zeros.img'],
    says: [
      'zeros.img: found nothing but zeros, wanted an initrd [image-invalid]',
      'get a whole initrd: the installers of distributions have one as initrd.gz, Linux as /boot/initrd.img-*',
    ],
  },
  'an ISO without an initrd': {
    args: ['inspect', 'data.iso'],
    says: [
      'data.iso: it is an ISO 9660 image, and boots no initrd that its loaders name [wrapper-part]',
      'name a file of it, as data.iso#PATH; it has readme.txt',
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
