import type { Hazard } from '../../model/result/hazard.js';
import type { Facts } from './facts.js';

const mebibyte = 2 ** 20;
const page = 4096;
// What a small kernel and its first programs use themselves.
const reserve = 64;

/**
 * A kernel gives its first root half of the memory, and drops what does not fit, with an error line at most. Meanwhile
 * it keeps the image beside the root. An `/init` that copies the root into a tmpfs, as Moby's does, needs the same
 * once more.
 */
export function findTooLittleMemory(facts: Facts): Hazard[] {
  const { memory, image } = facts;
  if (memory === undefined) return [];
  const root = measureRoot(facts);
  const packed = image.layout.size / mebibyte;
  const copies = copiesItself(facts) ? 2 : 1;
  const create = (needed: number, why: string): Hazard[] => [
    {
      code: 'memory-too-small',
      severity: 'fatal',
      path: '',
      message: `the machine has ${memory} MiB, the image needs ${Math.ceil(needed)}: it unpacks to ${Math.ceil(root)} MiB, ${why}`,
      hint: `give the machine ${Math.ceil(needed / 64) * 64} MiB, or make the image smaller`,
    },
  ];
  if (root > memory / 2) return create(2 * root, 'and a kernel gives its first root half of the memory');
  const needed = copies * root + Math.max(packed, reserve);
  if (needed <= memory) return [];
  return create(
    needed,
    copies === 2 ? '/init makes a second copy of it' : 'and the packed image stays beside it',
  );
}

/** MiB of the tree in a tmpfs: whole pages, each hard-link group once. */
function measureRoot({ image }: Facts): number {
  const groups = new Set<string>();
  let size = 0;
  for (const entry of image.entries.values()) {
    if (entry.type !== 'file' || (entry.link !== undefined && groups.has(entry.link))) continue;
    if (entry.link !== undefined) groups.add(entry.link);
    size += Math.ceil(entry.size / page) * page;
  }
  return size / mebibyte;
}

function copiesItself(facts: Facts): boolean {
  const script = facts.text('init').slice(0, 64 * 1024);
  return script.startsWith('#!') && /^[^#\n]*\bcp[ \t]+-/m.test(script) && /\bswitch_root\b/.test(script);
}
