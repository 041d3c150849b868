import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const map = 'xorriso, extract and map';

export function listWrapperRows({ moby, inputs: { text }, lacks }: Bench): readonly Row[] {
  // Both write the ISO with the same changed initrd; what makes that initrd is not timed for the other one.
  const make = `test -e vendor.iso || (mkdir iso && cp ${text} iso/initrd.gz && xorriso -as mkisofs -quiet -R -o vendor.iso iso 2> /dev/null && rm -r iso)`;
  return [
    {
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
          output: 'out.iso',
        },
        {
          name: map,
          prepare: 'rm -f by-hand.iso extracted.gz',
          command: `xorriso -osirrox on -indev vendor.iso -extract /initrd.gz extracted.gz 2> /dev/null && xorriso -indev vendor.iso -outdev by-hand.iso -map ${text} /initrd.gz 2> /dev/null`,
          output: 'by-hand.iso',
        },
      ],
      goals: [timeWithin(3, time(map))],
    },
  ];
}
