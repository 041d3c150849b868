import { quoteFile } from '../../format/kind/file-kind.js';
import { showPath } from '../../format/path.js';
import type { ArchiveFault, FaultKind, Image } from '../../model/image/archive.js';
import type { Hazard } from '../../model/result/hazard.js';
import type { HazardOptions } from './facts.js';
import { type FilePlace, locateInFile, nameArchive } from './name-archive.js';

interface Explanation {
  readonly message: string;
  readonly hint: string;
}

type Named = Pick<Image, 'layout' | 'faults' | 'name'>;

/** What a kernel refuses in an archive, or stops at, in its own words. */
export function findArchiveFaults(image: Named, options: HazardOptions = {}): Hazard[] {
  return image.faults
    .filter((fault) => fault.kind !== 'xz-filter' || isRefused(fault, options))
    .map((fault) => ({
      code: fault.kind,
      severity: 'fatal',
      path: nameArchive(image.layout, fault.segment),
      ...explanations[fault.kind](
        fault,
        locateInFile(image, image.layout.segments[fault.segment]?.offset ?? 0),
      ),
    }));
}

/** Those for other processors come with most kernels (lib/xz/Kconfig); these came with Linux 6.12. */
const recentFilters = new Set(['ARM64', 'RISCV']);

function isRefused({ what = '' }: ArchiveFault, { kernelConfig }: HazardOptions): boolean {
  if (!/^[A-Z0-9]+$/.test(what)) return true;
  if (kernelConfig === undefined) return recentFilters.has(what);
  return kernelConfig.get(`CONFIG_XZ_DEC_${what}`) !== 'y';
}

const junk = 'a kernel says "junk at the end of compressed archive"';

const explanations: Readonly<Record<FaultKind, (fault: ArchiveFault, file: FilePlace) => Explanation>> = {
  'first-member-empty': ({ offset }, { name, start }) => ({
    message: `the first compressed member is empty: ${junk}, unpacks nothing and panics`,
    hint: offset === start ? `write the image anew: ${rewrite(name)}` : 'leave the empty member out',
  }),
  'first-member-zeros': (_, { name }) => ({
    message:
      'zeros stand in front of the first entry of the first compressed member: a kernel says "no cpio magic", unpacks nothing and panics',
    hint: `write the image anew: ${rewrite(name)}`,
  }),
  'name-without-nul': ({ what = '', offset }, { name }) => ({
    message: `the name ${showPath(what)} has no NUL at its end (archive from byte ${offset} on): a kernel says "malformed archive" and unpacks nothing from there on`,
    // With its sidecar the record would be written as it was.
    hint: `pack its files anew: moby-patch unpack ${quoteFile(name)} -o root && rm root.moby-patch.jsonl && moby-patch repack root -o mended.img`,
  }),
  'member-cut': ({ offset }, { name }) => ({
    message: `a member ends inside an entry, and the next one, at byte ${offset}, goes on with it: ${junk}, and unpacks nothing from there on`,
    hint: `compress it again, cut between entries: ${rewrite(name)}`,
  }),
  'member-unpadded': ({ offset }, { name }) => ({
    message: `the member at byte ${offset} ends in front of the padding of its last entry: ${junk}, and unpacks nothing from there on`,
    hint: `write it anew: ${rewrite(name)}`,
  }),
  'skipped-record-split': ({ what = '', offset }, { name }) => ({
    message: `a kernel skips the record ${showPath(what)} (member from byte ${offset} on), but its header comes in two pieces, at which a kernel loses its place: ${junk}, and unpacks nothing from there on`,
    hint: `write the archive anew: ${rewrite(name)}`,
  }),
  'xz-filter': ({ what = '', offset }, { name }) => ({
    message: /^[A-Z0-9]+$/.test(what)
      ? `the xz member at byte ${offset} has the filter for ${what} code, which a kernel only reads with CONFIG_XZ_DEC_${what}`
      : `the xz member at byte ${offset} has ${what}: a kernel takes one filter in front of LZMA2, without a start offset`,
    hint: `compress it again: ${rewrite(name)}`,
  }),
};

function rewrite(name: string): string {
  return `moby-patch repack ${quoteFile(name)} -o mended.img`;
}
