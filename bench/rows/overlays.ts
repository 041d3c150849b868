import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const count = 1000;
const byHand = 'mkdir, cpio for each';

// An ext4 does not reuse inodes for some seconds, and skips each of them for every new file: what the runs before wrote is not removed.

export function listOverlayRows({ moby, inputs: { text }, lacks }: Bench): readonly Row[] {
  const table = `(echo name,host; for i in $(seq ${count}); do echo $i,host-$i; done) > hosts.csv`;
  const patch = `mkdir -p site && printf 'title: site\\nparameters:\\n  host: {description: its name}\\nsteps:\\n  - file: {path: etc/site, content: "\${host}\\\\n"}\\n' > site/patch.yaml`;
  return [
    {
      id: 'overlays',
      work: `${count.toLocaleString('en')} overlays on one base, one file of its own each`,
      note: 'Each file is one archive, which a boot loader puts behind the image. Ours are read back, compared with the tree of base and overlay, and have a manifest; the others are not checked. Both end when their files are on the disk: ours one by one before they get their names, the others by one call at the end.',
      reads: [text],
      contenders: [
        {
          name: 'moby-patch build --for-each',
          prepare: `rm -rf cache; ${table}; ${patch}; sync`,
          command: `${moby} build -q -i ${text} -p ./site --for-each hosts.csv --as overlay --no-verify -o "$(mktemp -d overlays-XXXXXX)/"'\${name}.cpio'`,
        },
        {
          name: byHand,
          prepare: 'sync',
          command: `at=$(mktemp -d by-hand-XXXXXX); for i in $(seq ${count}); do mkdir -p $at/$i/etc && echo host-$i > $at/$i/etc/site && (cd $at/$i && find . | cpio -o -H newc --quiet > ../$i.cpio) || exit 1; done; sync -f $at`,
          missing: lacks('cpio'),
        },
      ],
      goals: [timeWithin(0.5, time(byHand))],
    },
  ];
}
