import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const count = 1000;
const byHand = 'cpio and cat for each';

export function listOverlayRows({ moby, inputs: { text }, lacks }: Bench): readonly Row[] {
  return [
    {
      id: 'overlays',
      work: `${count.toLocaleString('en')} overlays on one base, one file of its own each`,
      note: 'Each of ours is checked against the tree of base and overlay; the others check nothing.',
      reads: [text],
      missing: 'no command makes overlays for many machines yet',
      contenders: [
        {
          name: 'moby-patch, overlays',
          prepare: 'rm -rf cache overlays && mkdir overlays',
          command: `${moby} build --overlays hosts.csv -i ${text} -o overlays`,
        },
        {
          name: byHand,
          prepare: 'rm -rf by-hand && mkdir by-hand',
          command: `for i in $(seq ${count}); do mkdir -p by-hand/t/etc && echo host-$i > by-hand/t/etc/hostname && (cd by-hand/t && find . | cpio -o -H newc --quiet 2> /dev/null | gzip -n) > by-hand/one && cat by-hand/one > by-hand/$i.img || exit 1; done`,
          missing: lacks('cpio'),
        },
      ],
      goals: [timeWithin(0.5, time(byHand))],
    },
  ];
}
