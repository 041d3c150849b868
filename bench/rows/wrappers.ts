import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const map = 'xorriso, extract and map';
const objcopy = 'objcopy, remove and add section';
const squashfs = 'unsquashfs and mksquashfs';
const erofs = 'fsck.erofs and mkfs.erofs';
/** From a folder of programs. */
const stub = '../lib/systemd/boot/efi/linuxx64.efi.stub';

export function listWrapperRows(bench: Bench): readonly Row[] {
  return [listIsoRow(bench), listUkiRow(bench), ...listRootRows(bench)];
}

function listIsoRow({ moby, inputs: { text }, lacks }: Bench): Row {
  // Both write the ISO with the same changed initrd; what makes that initrd is not timed for the other one.
  const make = `test -e vendor.iso || (mkdir iso && cp ${text} iso/initrd.gz && xorriso -as mkisofs -quiet -R -o vendor.iso iso 2> /dev/null && rm -r iso)`;
  return {
    id: 'iso',
    work: 'One file changed in the initrd of an ISO, compressed runs cached',
    note: 'The other one puts a file that is ready into the ISO and checks nothing.',
    reads: [text],
    missing: lacks('xorriso'),
    contenders: [
      {
        name: 'moby-patch build ISO',
        prepare: `${make}; rm -rf cache && ${moby} build -q -i vendor.iso#initrd.gz -p ./first --no-verify -o out.iso`,
        command: `${moby} build -q -i vendor.iso#initrd.gz -p ./second --no-verify -o out.iso`,
        check: `${moby} cat out.iso#initrd.gz etc/second`,
        output: 'out.iso',
      },
      {
        name: map,
        prepare: 'rm -f by-hand.iso extracted.gz',
        command: `xorriso -osirrox on -indev vendor.iso -extract /initrd.gz extracted.gz 2> /dev/null && xorriso -indev vendor.iso -outdev by-hand.iso -map ${text} /initrd.gz 2> /dev/null`,
        check: `xorriso -osirrox on -indev by-hand.iso -extract /initrd.gz found.gz 2> /dev/null; cmp found.gz ${text}; rm -f found.gz`,
        output: 'by-hand.iso',
      },
    ],
    goals: [timeWithin(3, time(map))],
  };
}

function listUkiRow({ moby, inputs: { text, reference }, lacks }: Bench): Row {
  const add = (name: string, file: string, place: string) =>
    `--add-section .${name}=${file} --change-section-vma .${name}=${place}`;
  const sections = `${add('linux', reference.kernel ?? '', '0x2000000')} ${add('initrd', text, '0x4000000')}`;
  const make = `test -e vendor.efi || objcopy ${sections} /usr/lib/systemd/boot/efi/linuxx64.efi.stub vendor.efi`;
  return {
    id: 'uki',
    work: 'One file changed in the initrd of a UKI, compressed runs cached',
    note: 'The other one puts a file that is ready into the UKI, whose old place it fits, and checks nothing.',
    reads: [text, reference.initrd],
    missing: lacks('objcopy') ?? lacks(stub),
    contenders: [
      {
        name: 'moby-patch build UKI',
        prepare: `${make}; rm -rf cache && ${moby} build -q -i vendor.efi -p ./first --no-verify -o out.efi`,
        command: `${moby} build -q -i vendor.efi -p ./second --no-verify -o out.efi`,
        check: `${moby} cat out.efi etc/second`,
        output: 'out.efi',
      },
      {
        name: objcopy,
        command: `objcopy --remove-section .initrd vendor.efi rest.efi && objcopy ${add('initrd', text, '0x4000000')} rest.efi by-hand.efi`,
        check: `objcopy -O binary --only-section .initrd by-hand.efi found.gz && cmp -n $(stat -c %s ${text}) found.gz ${text}; rm -f found.gz`,
        output: 'by-hand.efi',
      },
    ],
    goals: [timeWithin(4, time(objcopy))],
  };
}

function listRootRows({ moby, inputs: { reference }, lacks }: Bench): readonly Row[] {
  const unpack = `(zcat ${reference.initrd} 2> /dev/null || test $? = 2) | cpio -idm --quiet`;
  const tree = `(test -e tree || (mkdir tree && cd tree && ${unpack}))`;
  const kinds = [
    {
      id: 'squashfs',
      what: 'a squashfs',
      make: 'mksquashfs tree vendor.squashfs -quiet -no-progress',
      missing: lacks('mksquashfs') ?? lacks('sqfs2tar'),
      other: squashfs,
      byHand:
        'unsquashfs -quiet -no-progress -d other vendor.squashfs && echo second > other/etc/motd && mksquashfs other by-hand.squashfs -quiet -no-progress -noappend -reproducible',
      note: 'The other one compares nothing, and loses owners and devices without root.',
      limit: 1.6,
    },
    {
      id: 'erofs',
      what: 'an erofs',
      make: 'mkfs.erofs --quiet --preserve-mtime -zlz4 vendor.erofs tree',
      missing: lacks('mkfs.erofs'),
      other: erofs,
      byHand:
        'fsck.erofs --extract=other vendor.erofs && echo second > other/etc/motd && mkfs.erofs --quiet -zlz4 by-hand.erofs other',
      note: 'The other one compares nothing, and loses bits, times, hard links and attributes.',
      limit: 4,
    },
  ];
  return kinds.map(({ id, what, make, missing, other, byHand, note, limit }) => ({
    id,
    work: `One file changed in ${what} of 76 MB`,
    note,
    reads: [reference.initrd],
    missing: missing ?? lacks('cpio'),
    contenders: [
      {
        name: `moby-patch build ${id}`,
        prepare: `test -e vendor.${id} || (${tree} && ${make} > /dev/null)`,
        command: `${moby} build -q -i vendor.${id} -p ./second --no-verify -o out.${id}`,
        check: `${moby} cat out.${id} etc/second`,
        output: `out.${id}`,
      },
      {
        name: other,
        prepare: `rm -rf other by-hand.${id}`,
        command: `(${byHand}) > /dev/null`,
        check: `test "$(${moby} cat by-hand.${id} etc/motd)" = second`,
        output: `by-hand.${id}`,
      },
    ],
    goals: [timeWithin(limit, time(other))],
  }));
}
