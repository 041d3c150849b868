import { time, timeWithin } from '../goals.js';
import type { Bench, Row } from '../row.js';

const count = 1000;
const byHand = 'mkdir, cpio for each';
const note =
  'Each file is one archive, which a boot loader puts behind the image. Ours are read back, compared with the tree of base and overlay, and have a manifest; the others are not checked. Both end when their files are on the disk: ours one by one before they get their names, the others by one call at the end.';

interface State {
  readonly id: string;
  readonly what: string;
  /** Makes the state of the cache that a run starts from; `one` builds the overlay of one machine. */
  prepare(one: string): string;
}

const states: readonly State[] = [
  { id: 'overlays', what: 'a new base', prepare: () => 'rm -rf cache' },
  {
    id: 'overlays-again',
    what: 'one base, its reading cached',
    prepare: (one) => `rm -rf cache && ${one}`,
  },
];

// An ext4 does not reuse inodes for some seconds, and skips each of them for every new file: what the runs before wrote is not removed.

export function listOverlayRows({ moby, inputs: { text }, lacks }: Bench): readonly Row[] {
  const table = `(echo name,host; for i in $(seq ${count}); do echo $i,host-$i; done) > hosts.csv; printf 'name,host\\nother,other\\n' > other.csv`;
  const patch = `mkdir -p site && printf 'title: site\\nparameters:\\n  host: {description: its name}\\nsteps:\\n  - file: {path: etc/site, content: "\${host}\\\\n"}\\n' > site/patch.yaml`;
  const build = (hosts: string) =>
    `at=$(mktemp -d overlays-XXXXXX) && ${moby} build -q -i ${text} -p ./site --for-each ${hosts} --as overlay --no-verify -o "$at/"'\${name}.cpio'`;
  const check = (name: string) =>
    `at=$(ls -td ${name}-* | head -1); test $(ls $at/*.cpio | wc -l) = ${count} && test "$(cpio -i --quiet --to-stdout '*etc/site' < $at/${count}.cpio)" = host-${count}`;
  return states.map(({ id, what, prepare }) => ({
    id,
    work: `${count.toLocaleString('en')} overlays on ${what}, one file of its own each`,
    note,
    reads: [text],
    contenders: [
      {
        name: 'moby-patch build --for-each',
        prepare: `${table}; ${patch}; ${prepare(build('other.csv'))}; sync`,
        command: build('hosts.csv'),
        ...(lacks('cpio') === undefined && { check: check('overlays') }),
      },
      {
        name: byHand,
        prepare: 'sync',
        command: `at=$(mktemp -d by-hand-XXXXXX); for i in $(seq ${count}); do mkdir -p $at/$i/etc && echo host-$i > $at/$i/etc/site && (cd $at/$i && find . | cpio -o -H newc --quiet > ../$i.cpio) || exit 1; done; sync -f $at`,
        check: check('by-hand'),
        missing: lacks('cpio'),
      },
    ],
    goals: [timeWithin(0.5, time(byHand))],
  }));
}
