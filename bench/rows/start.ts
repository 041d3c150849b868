import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

export function listStartRows({ moby }: Bench): readonly Row[] {
  return [
    {
      id: 'start',
      work: 'Start: `--help`',
      contenders: [
        { name: 'moby-patch --help', command: `${moby} --help` },
        { name: 'node -e 0', command: 'node -e 0' },
      ],
      goals: [timeWithin(1.5, time('node -e 0'))],
    },
  ];
}
