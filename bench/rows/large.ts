import { peakWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

export function listLargeRows({ moby, inputs: { large } }: Bench): readonly Row[] {
  return [
    {
      id: 'large-inspect',
      work: 'Inspect 1 GB in 200,000 files',
      reads: [large],
      contenders: [{ name: 'moby-patch inspect', command: `${moby} inspect ${large}` }],
      goals: [peakWithin(128)],
    },
    {
      id: 'large-build',
      work: 'One file changed in 1 GB in 200,000 files',
      reads: [large],
      contenders: [
        {
          name: 'moby-patch build',
          prepare: 'rm -rf cache',
          command: `${moby} build -q -i ${large} -p ./first --no-verify -o out.img`,
          output: 'out.img',
        },
      ],
      goals: [peakWithin(192)],
    },
  ];
}
