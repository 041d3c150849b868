import type { ErrorCode } from './error-code.js';

const again = 'run it again when no other program writes there';
const tarAgain =
  'make the tar again with the program that wrote it: moby-patch unpack IMAGE -o FILE.tar makes one';
const lookAtPath = 'moby-patch ls IMAGE shows what is there; a step before it can make or remove it';
const report = 'this is a defect of moby-patch: please report it';

/** What to do about an error whose place knows nothing better. */
export const usualHints: Readonly<Partial<Record<ErrorCode, string>>> = {
  'attributes-lost': 'copy the image to another file system, or put the new one in place by hand',
  'body-missing': again,
  'body-size': again,
  'check-failed': 'mend what each line names, then moby-patch check',
  'command-invalid': 'a command is a list of words without NUL, the name of a variable letters, digits and _',
  'command-text': 'write the words of the command as UTF-8 without NUL, or put them into a script',
  'compression-failed': 'moby-patch doctor; --compression gzip needs no program',
  'console-unwritable': 'name a place that can be written to, or set TMPDIR',
  'disk-failed': 'check the disk (dmesg, fsck), then run it again',
  'docker-answer': 'docker version: Docker 20.10 or newer is wanted; --engine local needs none',
  'docker-container': 'docker info; --engine local needs no Docker',
  'docker-exec': 'docker info; the daemon may have been restarted: run it again',
  'docker-failed': 'docker info; DOCKER_HOST and docker context ls name the daemon',
  'docker-remove': 'moby-patch prune',
  'docker-ssh': 'try it by hand: ssh HOST docker version',
  'expectation-content': 'look at what the guest has: moby-patch cat IMAGE PATH',
  'expectation-pattern': 'write a regular expression of JavaScript, such as "login:"',
  'file-changed': again,
  'file-not-regular': 'name a regular file',
  'file-too-large': 'give a smaller file',
  'image-body': again,
  'image-changed': again,
  'image-invalid':
    'get a whole initrd: the installers of distributions have one as initrd.gz, Linux as /boot/initrd.img-*',
  'image-unsettled': 'run it again when the installation is done',
  'image-unsupported': 'give the path of an initrd of another version: -i PATH',
  'inner-unreadable': 'look at the file by hand: moby-patch cat IMAGE PATH > FILE',
  'input-changed': again,
  'input-empty': 'give an initrd',
  'input-unreadable': 'give a folder that moby-patch unpack wrote, a tar, or an image',
  'local-folder': 'TMPDIR=DIR names another file system; --engine docker needs none',
  'output-unwritable': 'name a place that can be written to',
  'parent-missing': 'a step before it that makes the directory',
  'path-invalid': 'a path from the root of the image, such as etc/motd',
  'path-loop': 'moby-patch ls -l IMAGE shows the links',
  'path-not-directory': lookAtPath,
  'path-not-file': lookAtPath,
  'path-not-found': 'moby-patch ls IMAGE',
  'payload-changed': again,
  'processor-unknown': '--engine docker',
  'recipe-failed':
    'as root on Debian with a network: apt-get install debootstrap; or give an image of your own: -i PATH',
  'secret-unreadable': 'name a file of UTF-8 text that only you can read: --secret NAME=file:PATH',
  'service-invalid': 'moby-patch watch, from a shell, does the same',
  'source-changed': again,
  'stamp-invalid': 'SOURCE_DATE_EPOCH=$(date +%s)',
  'subdir-invalid': '--subdir initrd',
  'tar-body': again,
  'tar-link': tarAgain,
  'tar-parent': tarAgain,
  'unsafe-path': report,
};
