import type { InputFile } from '../../io/file/input-file.js';
import { alignUp } from '../align-up.js';
import type { WrapperPiece, WrapperSources } from '../wrapper-write.js';
import { writePieces } from '../wrapper-write.js';
import {
  createChecksum,
  createPeError,
  headerLimit,
  type Program,
  parseProgram,
  type Section,
  sectionHeaderSize,
} from './pe.js';

/** Section numbers and offsets have 32 bits. */
const largestProgram = 2 ** 32 - 1;
const target = '.initrd';
const profileMark = '.profile';

/**
 * The pieces of a UKI with a new `.initrd` in place of the one that begins at `offset`. The content of all other sections stays, and their
 * place in memory; behind the new section they move in the file. Where it is too large for its place in memory it goes behind all others,
 * or, in a UKI with profiles, all others behind it move. Signatures are left out. Error (`invalid`): `wrapper-unfit`.
 */
export async function replaceInitrd(sources: WrapperSources, offset: number): Promise<WrapperPiece[]> {
  const { old, initrd } = sources;
  const headers = Buffer.from(await old.read(0, Math.min(headerLimit, old.size)));
  const program = parseProgram(headers);
  const section = program?.sections.find((each) => each.name === target && each.offset === offset);
  if (program === undefined || section === undefined)
    throw createPeError(old.name, 'found no section .initrd', 'moby-patch inspect FILE');
  const plan = planSections(program, section, initrd.size, old);
  const bytes = writeHeaders(headers.subarray(0, plan.start), program, section, plan);
  const pieces: WrapperPiece[] = [
    { kind: 'bytes', bytes },
    { kind: 'old', offset: bytes.length, end: plan.start },
    ...listSections(program, section, plan),
  ];
  const checksum = createChecksum(program.optional);
  for await (const piece of writePieces(pieces, sources)) checksum.update(piece);
  bytes.writeUInt32LE(checksum.end(), program.optional + 64);
  return pieces;
}

interface SectionPlan {
  /** Where the first section begins in the file. */
  readonly start: number;
  /** Where sections are in memory, if not where they were. */
  readonly addresses: ReadonlyMap<Section, number>;
  readonly rawSize: number;
  readonly virtualSize: number;
  /** Bytes from the start of a section to the next one. */
  readonly spans: ReadonlyMap<Section, number>;
  /** By section, in the order of the file. */
  readonly offsets: ReadonlyMap<Section, number>;
  readonly isLast: boolean;
  readonly imageSize: number;
  /** What stands behind the sections: a table of symbols. */
  readonly tail: { readonly offset: number; readonly end: number; readonly newOffset: number };
}

function planSections(program: Program, section: Section, size: number, file: InputFile): SectionPlan {
  const { sections, sectionAlignment, fileAlignment } = program;
  const stored = sections.filter(({ rawSize, offset }) => rawSize > 0 && offset > 0);
  const spans = measureSpans(program, stored, file.name);
  const others = [...spans.keys()].filter((each) => each !== section);
  const start = Math.min(...stored.map(({ offset }) => offset));
  const above = sections.filter(({ address }) => address > section.address).map(({ address }) => address);
  const room = Math.min(...above) - section.address;
  // What a profile has is told by the order of the table (UAPI.5).
  const hasProfiles = sections.some(({ name }) => name === profileMark);
  const isLast = size > room && !hasProfiles;
  const addresses = new Map<Section, number>();
  if (isLast) addresses.set(section, alignUp(findEnd(sections), sectionAlignment));
  else if (size > room) {
    const shift = alignUp(size - room, sectionAlignment);
    for (const each of sections)
      if (each.address > section.address) addresses.set(each, each.address + shift);
    refuseFixed([...addresses.keys()], file.name);
  }
  const rawSize = alignUp(size, fileAlignment);
  const order = isLast
    ? [...others, section]
    : [
        ...others.filter(({ offset }) => offset < section.offset),
        section,
        ...others.filter(({ offset }) => offset > section.offset),
      ];
  const offsets = new Map<Section, number>();
  let at = start;
  for (const each of order) {
    offsets.set(each, at);
    const gap = (spans.get(each) ?? 0) - each.rawSize;
    at += alignUp((each === section ? rawSize : each.rawSize) + gap, fileAlignment);
  }
  const placed = sections.map((each) => ({
    address: addresses.get(each) ?? each.address,
    virtualSize: each === section ? size : each.virtualSize,
  }));
  const imageSize = alignUp(Math.max(findEnd(sections), findEnd(placed)), sectionAlignment);
  if (at > largestProgram || imageSize > largestProgram)
    throw createPeError(
      file.name,
      `the new file would have ${Math.max(at, imageSize)} bytes, wanted less than 4 GiB`,
      'use an addon or a smaller initrd',
    );
  const behind = Math.max(...stored.map(({ offset, rawSize }) => offset + rawSize));
  const { signatures } = program;
  const tail = {
    offset: behind,
    end: Math.max(behind, signatures.size > 0 ? Math.min(signatures.offset, file.size) : file.size),
    newOffset: at,
  };
  return { start, addresses, rawSize, virtualSize: size, spans, offsets, isLast, imageSize, tail };
}

/**
 * Bytes from the start of each section to the next one, in the order of the file: what stands between them moves along. Error (`invalid`):
 * `wrapper-unfit` for sections that share bytes with each other or with the headers.
 */
function measureSpans(
  { sections, table }: Program,
  stored: readonly Section[],
  path: string,
): Map<Section, number> {
  const sorted = [...stored].sort((one, other) => one.offset - other.offset);
  const spans = new Map<Section, number>();
  let end = table + sections.length * sectionHeaderSize;
  for (const [index, section] of sorted.entries()) {
    const { name, offset, rawSize } = section;
    if (offset < end)
      throw createPeError(
        path,
        `the section ${JSON.stringify(name)} at ${offset} shares bytes with what ends at ${end}: another section, or the headers`,
        'make the file anew with ukify; --as addon leaves it as it is',
      );
    end = offset + rawSize;
    spans.set(section, (sorted[index + 1]?.offset ?? end) - offset);
  }
  return spans;
}

/** What the stub reads by name, so that it may be anywhere in memory. */
const movable =
  /^\.(?:cmdline|dtb|dtbauto|efifw|hwids|initrd|linux|osrel|pcrpkey|pcrsig|profile|sbat|sdmagic|splash|ucode|uname)$/;

function refuseFixed(moved: readonly Section[], path: string): void {
  const fixed = moved.find(({ name }) => !movable.test(name));
  if (fixed === undefined) return;
  const message = `the new initrd is too large for its place, and behind it stands the section ${fixed.name}, which cannot move`;
  throw createPeError(
    path,
    message,
    '--as addon leaves the UKI as it is; or use a smaller initrd: --level 9',
  );
}

function findEnd(sections: readonly Pick<Section, 'address' | 'virtualSize'>[]): number {
  return Math.max(...sections.map(({ address, virtualSize }) => address + virtualSize));
}

/** The headers up to the first section. The section table stays in the order of memory, which some loaders want. */
function writeHeaders(old: Buffer, program: Program, section: Section, plan: SectionPlan): Buffer {
  const bytes = Buffer.from(old);
  for (const [each, offset] of plan.offsets) bytes.writeUInt32LE(offset, each.header + 20);
  for (const [each, address] of plan.addresses) bytes.writeUInt32LE(address, each.header + 12);
  bytes.writeUInt32LE(plan.virtualSize, section.header + 8);
  bytes.writeUInt32LE(plan.rawSize, section.header + 16);
  const { symbols } = program;
  const { tail } = plan;
  if (symbols.offset >= tail.offset && symbols.offset < tail.end)
    bytes.writeUInt32LE(symbols.offset - tail.offset + tail.newOffset, symbols.entry);
  if (plan.isLast) moveLast(bytes, program, section);
  // SizeOfInitializedData: not every linker fills it in.
  const data = bytes.readUInt32LE(program.optional + 8) - section.rawSize + plan.rawSize;
  bytes.writeUInt32LE(Math.min(Math.max(data, 0), largestProgram), program.optional + 8);
  bytes.writeUInt32LE(plan.imageSize, program.optional + 56);
  bytes.writeUInt32LE(0, program.optional + 64);
  bytes.fill(0, program.signaturesEntry, program.signaturesEntry + 8);
  return bytes;
}

function moveLast(bytes: Buffer, { sections }: Program, { header }: Section): void {
  const last = Math.max(...sections.map((each) => each.header));
  const entry = Buffer.from(bytes.subarray(header, header + 40));
  bytes.copyWithin(header, header + 40, last + 40);
  entry.copy(bytes, last);
}

function* listSections(
  { fileAlignment }: Program,
  section: Section,
  { spans, offsets, rawSize, virtualSize, tail }: SectionPlan,
): Generator<WrapperPiece, void, void> {
  for (const each of offsets.keys()) {
    const span = spans.get(each) ?? 0;
    let size = span;
    let from = each.offset;
    if (each === section) {
      yield { kind: 'new' };
      yield { kind: 'zeros', size: rawSize - virtualSize };
      size = rawSize + span - each.rawSize;
      from += each.rawSize;
    }
    yield { kind: 'old', offset: from, end: each.offset + span };
    yield { kind: 'zeros', size: alignUp(size, fileAlignment) - size };
  }
  yield { kind: 'old', offset: tail.offset, end: tail.end };
}
