import { fastest, timeWithin } from '../goals.js';
import type { Bench, Folder, Row } from '../row.js';

export function listUnpackingRows(bench: Bench): readonly Row[] {
  const { memory, disk } = bench;
  return [
    unpackingRow(bench, {
      id: 'unpack-memory',
      where: 'in memory',
      folder: memory,
      missing: 'no tmpfs at /dev/shm',
      isKept: false,
    }),
    unpackingRow(bench, {
      id: 'unpack-disk',
      where: 'on a disk',
      folder: disk,
      missing: 'the temporary folder (TMPDIR) is in memory',
      // An ext4 does not reuse inodes for some seconds, and skips each of them for every new file.
      isKept: true,
    }),
  ];
}

interface Unpacking {
  readonly id: string;
  readonly where: string;
  readonly folder: Folder | undefined;
  /** Why there is no folder. */
  readonly missing: string;
  /** The folders of the runs before are not removed. */
  readonly isKept: boolean;
}

function unpackingRow(
  { moby, inputs: { gtk }, lacks }: Bench,
  { id, where, folder, missing, isKept }: Unpacking,
): Row {
  const at = folder?.path ?? '';
  // What was written before must not be on its way to the disk while others are timed.
  const prepare = isKept ? 'sync' : `rm -rf ${at}/ours* ${at}/bsdtar* ${at}/3cpio*`;
  const into = (name: string) => `at=$(mktemp -d ${at}/${name}-XXXXXX)`;
  // Every name that is no device: ours keeps devices in its list.
  const check = (name: string) =>
    `test $(find $(ls -td ${at}/${name}-*/ | head -1) ! -type b ! -type c | wc -l) = $(${moby} ls -l ${gtk} | grep -vc '^[bc]')`;
  return {
    id,
    work: `Unpack the graphical Debian installer to a new folder ${where}${folder ? ` (${folder.type})` : ''}`,
    note: 'Ours also writes a list of all records with their digests, from which the same image can be made again.',
    reads: [gtk],
    missing: folder === undefined ? missing : undefined,
    contenders: [
      {
        name: 'moby-patch unpack',
        prepare,
        command: `${moby} unpack ${gtk} -o ${at}/ours-$(date +%s%N)`,
        check: check('ours'),
      },
      {
        name: 'bsdtar -x',
        prepare,
        command: `${into('bsdtar')} && bsdtar -xpf ${gtk} -C $at`,
        check: check('bsdtar'),
        missing: lacks('bsdtar'),
      },
      {
        name: '3cpio -x',
        prepare,
        command: `${into('3cpio')} && 3cpio -x -p -C $at ${gtk}`,
        check: check('3cpio'),
        missing: lacks('3cpio'),
      },
    ],
    goals: [timeWithin(0.9, fastest('bsdtar -x', '3cpio -x'))],
  };
}
