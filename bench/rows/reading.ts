import type { Contender } from '../contender.js';
import { fastest, time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

interface Reading {
  readonly codec: string;
  readonly image: string;
  readonly inflate: Contender;
}

export function listReadingRows(bench: Bench): readonly Row[] {
  const { text, zstd } = bench.inputs;
  const script = `const z=require('zlib'),f=require('fs');f.createReadStream('${text}').pipe(z.createGunzip({chunkSize:262144})).resume()`;
  const inflated: readonly Reading[] = [
    {
      codec: 'gzip',
      image: text,
      inflate: { name: 'node:zlib inflating', command: `node -e "${script}"` },
    },
    {
      codec: 'zstd',
      image: zstd,
      inflate: { name: 'zstd -dc', command: `zstd -dcq ${zstd} > /dev/null`, missing: bench.lacks('zstd') },
    },
  ];
  return inflated.flatMap((reading) => [
    readingRow(bench, 'ls', reading),
    readingRow(bench, 'inspect', reading),
  ]);
}

function readingRow({ moby, lacks }: Bench, verb: string, { codec, image, inflate }: Reading): Row {
  const names = (command: string) => `$(${command} ${image} | wc -l)`;
  const list = (name: string) => ({
    name,
    command: `${name} ${image}`,
    check: `test ${names(name)} = ${names(`${moby} ls`)}`,
  });
  return {
    id: `${verb}-${codec}`,
    work: `\`${verb}\` of the Debian installer, ${codec}`,
    note: 'bsdtar lists the names of the first archive only, and this image has one. Both list as many names.',
    reads: [image],
    contenders: [
      { name: `moby-patch ${verb}`, command: `${moby} ${verb} ${image}` },
      inflate,
      { ...list('bsdtar -tf'), missing: lacks('bsdtar') },
      { ...list('3cpio -t'), missing: lacks('3cpio') },
    ],
    goals: [timeWithin(1, fastest('bsdtar -tf', '3cpio -t')), timeWithin(1.15, time(inflate.name))],
  };
}
