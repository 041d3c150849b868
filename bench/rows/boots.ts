import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';
import { quote } from '../shell.js';

const plain = 'qemu until the last service';

export function listBootRows({ moby, programs, inputs: { reference }, lacks }: Bench): readonly Row[] {
  const { kernel, initrd, cmdline, memory, expect } = reference;
  const boot = [kernel ?? '', initrd, String(memory ?? 512), cmdline, expect.at(-1) ?? ''];
  return [
    {
      id: 'verdict',
      work: 'The verdict on a boot of the reference image, emulated (TCG)',
      note: 'The other one is QEMU with the same kernel, memory and devices, and its own default processor; it ends at the console line of the last service and checks nothing.',
      reads: [initrd, ...(kernel === undefined ? [] : [kernel])],
      missing: lacks('qemu-system-x86_64'),
      contenders: [
        {
          name: 'moby-patch verify',
          prepare: 'rm -rf cache',
          command: `${moby} verify -q reference --accelerator tcg`,
        },
        { name: plain, command: `node ${programs}/boot-until.js ${boot.map(quote).join(' ')}` },
      ],
      goals: [timeWithin(1.15, time(plain))],
    },
  ];
}
