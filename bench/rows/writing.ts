import type { Contender } from '../contender.js';
import { fastest, sizeWithin, sum, time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

/** The folders `first` and `second` are patches that write one file each. */
export function listWritingRows(bench: Bench): readonly Row[] {
  const { moby, inputs } = bench;
  const { text } = inputs;
  const build = (patch: string, ...options: string[]) =>
    `${moby} build -q -i ${text} -p ./${patch} --no-verify -o out.img ${options.join(' ')}`;
  const checkBuild = (name: string) => checkImage(bench, 'out.img', `etc/${name}`);
  const peers = listPeers(bench);
  const names = peers.map(({ name }) => name);
  const parts = listParts(bench);
  return [
    {
      id: 'first',
      work: 'One file changed in the Debian installer (gzip), the first time',
      note: 'Ours reads the output back and compares every entry with the input; the others check nothing. pigz -9 stands for gzip -9, which takes twice as long.',
      reads: [text],
      contenders: [
        {
          name: 'moby-patch build',
          prepare: 'rm -rf cache',
          command: build('first'),
          check: checkBuild('first'),
          output: 'out.img',
        },
        ...peers,
        ...parts,
      ],
      goals: [
        timeWithin(0.5, fastest(...names)),
        sizeWithin(1, ...names),
        timeWithin(1.3, sum(...parts.map(({ name }) => time(name)))),
      ],
    },
    {
      id: 'second',
      work: 'Another file changed in the Debian installer, after that',
      reads: [text],
      contenders: [
        {
          name: 'moby-patch build',
          prepare: `rm -rf cache && ${build('first')}`,
          command: build('second'),
          check: checkBuild('second'),
          output: 'out.img',
        },
        hashing('node, SHA-256 of input and output', text, 'out.img'),
      ],
      goals: [timeWithin(3, time('node, SHA-256 of input and output'))],
    },
    {
      id: 'append',
      work: 'Another file changed in the Debian installer, append mode, the reading of the image cached',
      reads: [text],
      contenders: [
        {
          name: 'moby-patch build --mode append',
          prepare: `rm -rf cache && ${build('first', '--mode append')}`,
          command: build('second', '--mode append'),
          check: checkBuild('second'),
          output: 'out.img',
        },
        hashing('node, SHA-256 of the input', text),
      ],
      goals: [timeWithin(3, time('node, SHA-256 of the input'))],
    },
  ];
}

/** The image has every name of the old one, and one more. */
function checkImage({ moby, inputs: { text } }: Bench, image: string, path: string): string {
  const names = (file: string) => `${moby} ls ${file} | sed 's,^[.]*/*,,' | sort -u`;
  return `diff <(${names(text)}) <(${names(image)}) > differences || true; test "$(grep '^[<>]' differences)" = '> ${path}'`;
}

function hashing(name: string, ...files: readonly string[]): Contender {
  const list = files.map((file) => `'${file}'`).join(',');
  const script = `const{createHash}=require('crypto'),{readFileSync}=require('fs');for(const f of [${list}])createHash('sha256').update(readFileSync(f)).digest()`;
  return { name, command: `node -e "${script}"` };
}

/** Unpack everything, change a file, pack everything. */
function listPeers(bench: Bench): readonly Contender[] {
  const {
    inputs: { text },
    lacks,
  } = bench;
  const check = checkImage(bench, 'by-hand.img', 'etc/changed');
  const change = 'echo changed > etc/changed';
  const by = (unpack: string, pack: string) =>
    `rm -rf t && mkdir t && ${unpack} && cd t && ${change} && ${pack} > ../by-hand.img`;
  const archive = 'find . | cpio -o -H newc --quiet';
  const bsdtar = `bsdtar -xpf ${text} -C t`;
  return [
    {
      name: 'bsdtar, cpio, libdeflate-gzip -6',
      // libdeflate-gzip takes no standard input.
      command: by(bsdtar, `${archive} > ../raw.cpio && libdeflate-gzip -6 -c ../raw.cpio`),
      check,
      output: 'by-hand.img',
      missing: lacks('bsdtar') ?? lacks('libdeflate-gzip'),
    },
    {
      name: 'unmkinitramfs, cpio, pigz -9',
      command: by(`unmkinitramfs ${text} t`, `${archive} | pigz -9 -n`),
      check,
      output: 'by-hand.img',
      missing: lacks('unmkinitramfs') ?? lacks('pigz'),
    },
    ...['gzip -9', 'libdeflate-gzip -6'].map((compressor) => ({
      name: `3cpio, ${compressor}`,
      command: by(
        `3cpio -x -p -C t ${text}`,
        `(echo '#cpio'; find . -mindepth 1) > ../manifest && 3cpio -c ../raw.cpio < ../manifest && ${compressor} -c ../raw.cpio`,
      ),
      check,
      output: 'by-hand.img',
      missing: lacks('3cpio'),
    })),
  ];
}

/** The work that every way to change a gzip image has to do, each part on all cores as far as it can be split. */
function listParts({ inputs: { text }, programs }: Bench): readonly Contender[] {
  const inflate = `${programs}/inflate.js`;
  return [
    { name: 'inflate the input', command: `node ${inflate} ${text}` },
    {
      name: 'compress on all cores',
      prepare: `test -e installer.cpio || zcat ${text} > installer.cpio`,
      command: `node ${programs}/deflate.js installer.cpio 7 deflated.img`,
      output: 'deflated.img',
    },
    { name: 'inflate the output', command: `node ${inflate} deflated.img` },
  ];
}
