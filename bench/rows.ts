import { type Goal, overheadOver, peakBelow, sizeOf, timeOf } from './goals.js';
import type { Inputs } from './inputs.js';
import type { Contender } from './measure.js';

export interface Row {
  readonly id: string;
  readonly work: string;
  readonly note?: string | undefined;
  /** Ours first. */
  readonly contenders: readonly Contender[];
  readonly goals: readonly Goal[];
  /** Needs a daemon at DOCKER_HOST. */
  readonly docker?: boolean;
}

const old = 'zcat, cpio, gzip -9';

/** The old way to change a file of an initrd: unpack everything, change it, pack everything. */
const rewriteByHand = (image: string) =>
  `rm -rf t && mkdir t && cd t && zcat ${image} | cpio -idm --quiet && echo changed > etc/changed && find . | cpio -o -H newc --quiet | gzip -9 > ../by-hand.img`;

/** `moby` is the command of the program. The folders `first` and `second` are patches that write one file each. */
export function listRows({ text, gtk, reference, large }: Inputs, moby: string): readonly Row[] {
  const build = (patch: string, ...options: string[]) =>
    `${moby} build -q -i ${text} -p ./${patch} --no-verify -o out.img ${options.join(' ')}`;
  const inflate = `node -e "const z=require('zlib'),f=require('fs');f.createReadStream('${text}').pipe(z.createGunzip({chunkSize:262144})).resume()"`;
  const packagesBuild = `${moby} build -q -i ${reference} -p ./packages --engine docker --no-verify -o out.img`;
  return [
    {
      id: 'start',
      work: 'Start: `--help`',
      contenders: [
        { name: 'moby-patch --help', command: `${moby} --help` },
        { name: 'node -e 0', command: 'node -e 0' },
      ],
      goals: [timeOf('node -e 0', 2)],
    },
    {
      id: 'inspect',
      work: 'Inspect the Debian installer (40 MB, 137 MB unpacked)',
      note: 'bsdtar and lsinitramfs list names of the first archive only.',
      contenders: [
        { name: 'moby-patch inspect', command: `${moby} inspect ${text}` },
        { name: 'node:zlib inflating', command: inflate },
        { name: 'bsdtar -tf', command: `bsdtar -tf ${text}` },
        { name: 'lsinitramfs', command: `lsinitramfs ${text}` },
      ],
      goals: [timeOf('node:zlib inflating', 1.3), timeOf('lsinitramfs', 1)],
    },
    {
      id: 'ls',
      work: 'List the Debian installer, long',
      contenders: [
        { name: 'moby-patch ls -l', command: `${moby} ls -l ${text}` },
        { name: 'node:zlib inflating', command: inflate },
        { name: 'bsdtar -tvf', command: `bsdtar -tvf ${text}` },
        { name: 'lsinitramfs -l', command: `lsinitramfs -l ${text}` },
      ],
      goals: [timeOf('node:zlib inflating', 1.3), timeOf('lsinitramfs -l', 1)],
    },
    {
      id: 'first',
      work: 'One file changed in the Debian installer, the first time',
      note: 'Ours reads the output back and compares every entry with the input; the old way checks nothing.',
      contenders: [
        { name: 'moby-patch build', prepare: 'rm -rf cache', command: build('first'), output: 'out.img' },
        { name: old, command: rewriteByHand(text), output: 'by-hand.img' },
      ],
      goals: [timeOf(old, 0.1), sizeOf(old, 1)],
    },
    {
      id: 'second',
      work: 'Another file changed in the Debian installer, after that',
      contenders: [
        {
          name: 'moby-patch build',
          prepare: `rm -rf cache && ${build('first')}`,
          command: build('second'),
          output: 'out.img',
        },
        { name: old, command: rewriteByHand(text), output: 'by-hand.img' },
      ],
      goals: [timeOf(old, 0.03)],
    },
    {
      id: 'append',
      work: 'Another file changed in the Debian installer, append mode',
      contenders: [
        {
          name: 'moby-patch build --mode append',
          prepare: `rm -rf cache && ${build('first', '--mode append')}`,
          command: build('second', '--mode append'),
          output: 'out.img',
        },
        { name: old, command: rewriteByHand(text), output: 'by-hand.img' },
      ],
      goals: [timeOf(old, 0.02)],
    },
    {
      id: 'docker-first',
      work: 'A file patch on the reference image, Docker engine, the first time',
      note: 'No step needs a command, so ours starts no container; the old pipeline has no other way.',
      docker: true,
      contenders: [
        {
          name: 'moby-patch build --engine docker',
          prepare: 'rm -rf cache',
          command: `${moby} build -q -i ${reference} -p ./first --engine docker --no-verify -o out.img`,
          output: 'out.img',
        },
        { name: 'import, run, export', command: pipeline(reference), output: 'by-hand.img' },
      ],
      goals: [timeOf('import, run, export', 0.5)],
    },
    {
      id: 'docker-again',
      work: 'A file patch on the reference image, Docker engine, again',
      docker: true,
      contenders: [
        {
          name: 'moby-patch build --engine docker',
          prepare: `rm -rf cache && ${moby} build -q -i ${reference} -p ./first --engine docker --no-verify -o out.img`,
          command: `${moby} build -q -i ${reference} -p ./second --engine docker --no-verify -o out.img`,
          output: 'out.img',
        },
        { name: 'import, run, export', command: pipeline(reference), output: 'by-hand.img' },
      ],
      goals: [timeOf('import, run, export', 0.1)],
    },
    {
      id: 'docker-package',
      work: 'A package patch on the reference image, Docker engine, root and downloads cached',
      note: "Both install nfs-common and rpcbind; the other one starts from an imported root and ends when apt is done. (From the old pipeline's import apt fails: bsdtar empties hard links, perl among them.)",
      docker: true,
      contenders: [
        {
          name: 'moby-patch build --engine docker',
          prepare: `test -e packages || (mkdir packages && printf 'title: packages\nsteps:\n  - package: {apt: [nfs-common, rpcbind]}\n' > packages/patch.yaml && rm -rf cache && ${packagesBuild})`,
          command: packagesBuild,
          output: 'out.img',
        },
        {
          name: 'apt-get in a container',
          prepare: `test -e root.id || (mkdir root; cd root; zcat ${reference} 2> zeros | cpio -idm --quiet; rm zeros; tar -c . | docker import - > ../root.id; cd ..; rm -rf root)`,
          command: `docker run --rm -e DEBIAN_FRONTEND=noninteractive $(cat root.id) /bin/sh -c 'printf "#!/bin/sh\nexit 101\n" > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; apt-get update -q && apt-get install -qy --no-install-recommends nfs-common rpcbind'`,
        },
      ],
      goals: [overheadOver('apt-get in a container', 2)],
    },
    {
      id: 'gzip',
      work: 'gzip of 137 MB',
      note: 'Ours reads the archive, compresses it between entries, writes it, reads it back and compares every entry.',
      contenders: [
        {
          name: 'moby-patch build --compression gzip',
          prepare: `test -e raw.cpio || zcat ${text} > raw.cpio`,
          command: `${moby} build -q --no-cache -i raw.cpio --compression gzip --level 7 --no-verify -o out.img`,
          output: 'out.img',
        },
        { name: 'pigz -9', command: 'pigz -9 -n < raw.cpio > by-hand.img', output: 'by-hand.img' },
        { name: 'gzip -9', command: 'gzip -9 -n < raw.cpio > by-hand.img', output: 'by-hand.img' },
        {
          name: 'libdeflate-gzip -6',
          command: 'libdeflate-gzip -6 -c raw.cpio > by-hand.img',
          output: 'by-hand.img',
        },
      ],
      goals: [timeOf('pigz -9', 1), sizeOf('gzip -9', 1)],
    },
    {
      id: 'unpack',
      work: 'Unpack the graphical Debian installer to a folder',
      note: 'Each run unpacks to a new folder, and nothing was removed shortly before.',
      contenders: [
        {
          name: 'moby-patch unpack',
          // No row before reads this file, so its first run would measure the disk.
          prepare: `cat ${gtk} > /dev/null`,
          command: `${moby} unpack ${gtk} -o ours-$(date +%N)`,
        },
        { name: 'bsdtar -x', command: `at=$(mktemp -d bsdtar-XXXXXX) && bsdtar -xf ${gtk} -C $at` },
        { name: 'unmkinitramfs', command: `unmkinitramfs ${gtk} unmk-$(date +%N)` },
      ],
      goals: [timeOf('bsdtar -x', 1)],
    },
    {
      id: 'unpack-again',
      work: 'Unpack the graphical Debian installer again',
      note: 'The folder of the run before was just removed: an ext4 does not reuse its inodes for some seconds, and skips each of them for every new file.',
      contenders: [
        { name: 'moby-patch unpack', prepare: 'rm -rf t t.*', command: `${moby} unpack ${gtk} -o t` },
        { name: 'bsdtar -x', prepare: 'rm -rf t && mkdir t', command: `bsdtar -xf ${gtk} -C t` },
        { name: 'unmkinitramfs', prepare: 'rm -rf t', command: `unmkinitramfs ${gtk} t` },
      ],
      goals: [timeOf('bsdtar -x', 1)],
    },
    {
      id: 'large-inspect',
      work: 'Inspect 1 GB',
      contenders: [{ name: 'moby-patch inspect', command: `${moby} inspect ${large}` }],
      goals: [peakBelow(200)],
    },
    {
      id: 'large-build',
      work: 'One file changed in 1 GB',
      contenders: [
        {
          name: 'moby-patch build',
          prepare: 'rm -rf cache',
          command: `${moby} build -q -i ${large} -p ./first --no-verify -o out.img`,
          output: 'out.img',
        },
      ],
      goals: [peakBelow(200)],
    },
  ];
}

/** The old pipeline: import the first archive as an image, make the change in a container, export everything. */
function pipeline(image: string): string {
  return [
    `id=$(bsdtar -cf - @${image} | docker import -)`,
    `name=$(docker run -d "$id" /bin/sh -c "echo changed > /etc/changed")`,
    'docker wait "$name" > /dev/null',
    'docker export "$name" | bsdtar -cf - --format newc @- | gzip -9 > by-hand.img',
    'docker rm "$name" > /dev/null; docker rmi "$id" > /dev/null',
  ].join('; ');
}
