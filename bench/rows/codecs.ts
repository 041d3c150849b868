import { sizeWithin, time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const codecs = [
  { codec: 'zstd', level: 19, peer: 'zstd -T0 -19', command: 'zstd -T0 -19 -q -c' },
  { codec: 'xz', level: 6, peer: 'xz -T0 -6', command: 'xz -T0 -6 --check=crc32 -c' },
] as const;

export function listCodecRows({ moby, inputs: { libraries }, lacks }: Bench): readonly Row[] {
  return codecs.map(({ codec, level, peer, command }) => ({
    id: `repack-${codec}`,
    work: `\`repack\` with ${codec} -${level}: the libraries of the reference image, 41 MB`,
    note: 'Ours reads the archive and keeps its entries; the other one compresses bytes.',
    reads: [libraries],
    contenders: [
      {
        name: `moby-patch repack --compression ${codec} --level ${level}`,
        command: `${moby} repack ${libraries} -o out.img --compression ${codec} --level ${level}`,
        // Ours leaves out the zeros behind the archive, and pads the file with others that zstd warns of.
        check: `${codec} -dcq out.img 2> /dev/null > plain; n=$(stat -c %s plain); head -c $n ${libraries} | cmp - plain && test $(tail -c +$((n + 1)) ${libraries} | tr -d '\\0' | wc -c) = 0; r=$?; rm plain; exit $r`,
        output: 'out.img',
        missing: lacks(codec),
      },
      {
        name: peer,
        command: `${command} ${libraries} > by-hand.img`,
        check: `${codec} -dcq by-hand.img | cmp - ${libraries}`,
        output: 'by-hand.img',
        missing: lacks(codec),
      },
    ],
    goals: [timeWithin(1, time(peer)), sizeWithin(1.01, peer)],
  }));
}
