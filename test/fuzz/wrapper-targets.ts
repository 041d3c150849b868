import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '#src/io/digest.js';
import type { InputFile } from '#src/io/file/input-file.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { isRootKind, type Wrapper, type WrapperPart } from '#src/model/image/wrapper.js';
import { digestPart } from '#src/wrapper/copy-part.js';
import { findWrapper } from '#src/wrapper/open-wrapper.js';
import { compareWrappers, isBound, planPieces } from '#src/wrapper/replace-initrd.js';
import { readErofs, readSuperblock } from '#src/wrapper/root/erofs/read-erofs.js';
import { writeErofs } from '#src/wrapper/root/erofs/write-erofs.js';
import type { RootEntry } from '#src/wrapper/root/root-tree.js';
import { writePieces } from '#src/wrapper/wrapper-write.js';
import { inFolder } from './in-folder.js';
import { createMemoryFile } from './memory-file.js';
import type { Random } from './mutate.js';
import { mutateWrapper } from './mutate-wrapper.js';
import type { Target } from './targets.js';
import { makeWrapperSeeds } from './wrapper-seeds.js';

const { signal } = new AbortController();
/** What a hostile file may be refused with. */
const codes = /^(?:wrapper-(?:invalid|unfit|unread|part)|image-too-large)$/;
/** Reads of a file: a header that leads in circles would have no end. */
const mostReads = 20_000;
const limits = { anyway: 2 ** 22, ratio: 1, records: 2000, names: 2 ** 20 };

/** Bytes as a file that counts how often it is read. */
function countReads(bytes: Buffer): InputFile {
  const file = createMemoryFile(bytes);
  let reads = 0;
  return {
    ...file,
    async read(offset, end) {
      reads += 1;
      if (reads > mostReads) throw new Error(`oracle: read ${reads} times`);
      if (!(offset >= 0) || !Number.isSafeInteger(offset)) throw new Error(`oracle: read at ${offset}`);
      return file.read(offset, end);
    },
  };
}

async function find(bytes: Buffer): Promise<Wrapper> {
  const found = await findWrapper(countReads(bytes));
  if (found === undefined) throw new MobyPatchError('invalid', 'wrapper-part', 'it is no wrapper', {});
  for (const { name, offset, size, isPacked } of found.parts.values()) {
    const isInside = offset >= 0 && size >= 0 && offset + size <= bytes.length;
    if (!isInside && isPacked !== true) throw new Error(`oracle: ${name} is outside of the file`);
  }
  return found;
}

function listReplaceable({ parts, obstacle, boots }: Wrapper): WrapperPart[] {
  if (obstacle !== undefined && !obstacle.isSignature) return [];
  const names = new Set(boots.map(({ initrd }) => initrd));
  return [...parts.values()].filter((part) => names.has(part.name) && part.obstacle === undefined);
}

/** Finds the parts, reads one, and puts another initrd into the file: nothing else may change. */
async function runReplace(bytes: Buffer, random: Random): Promise<void> {
  const wrapper = await find(bytes);
  const all = [...wrapper.parts.values()];
  if (all.length > 0) await digestPart(countReads(bytes), random.pick(all));
  const parts = listReplaceable(wrapper);
  if (parts.length === 0 || wrapper.kind === 'kernel' || isRootKind(wrapper.kind)) return;
  const part = random.pick(parts);
  const size =
    wrapper.kind === 'iso'
      ? part.size
      : Math.max(1, random.pick([1, part.size - 1, part.size + 1, 5000, 70_000]));
  // What shares its bytes with another file is written by xorriso.
  if (wrapper.kind === 'iso' && (await isBound(wrapper, part, countReads(bytes)))) return;
  if (size > 2 ** 22) return;
  const content = Buffer.alloc(size, 'new');
  const sources = { old: countReads(bytes), initrd: createMemoryFile(content) };
  const { pieces } = await planPieces(wrapper, { ...sources, part });
  const written: Uint8Array[] = [];
  for await (const piece of writePieces(pieces, sources)) written.push(Buffer.from(piece));
  const boot = wrapper.boots.find(({ initrd }) => initrd === part.name) ?? { initrd: part.name };
  const sha256 = createHash('sha256').update(content).digest('hex');
  const after = createMemoryFile(Buffer.concat(written));
  await compareWrappers(sources.old, after, { old: { path: 'old', wrapper, boot }, sha256, signal });
}

/** Reads all of an erofs, and writes one like it, which has the same entries. */
async function runErofs(bytes: Buffer, folder: string): Promise<void> {
  const file = countReads(bytes);
  const superblock = await readSuperblock(file);
  if (superblock === undefined) throw new MobyPatchError('invalid', 'wrapper-part', 'it is none', {});
  const { entries } = await readErofs(file, limits);
  const before = await describe(entries);
  await inFolder(folder, bytes, async (work) => {
    const links = new Set<string>();
    const firsts = entries.filter(({ link }) => link === undefined || (!links.has(link) && links.add(link)));
    async function* bodies(isWanted: (entry: RootEntry) => boolean) {
      for (const entry of firsts)
        if (entry.type === 'file' && isWanted(entry)) yield [entry, entry.body()] as const;
    }
    const destination = join(work, 'new');
    const isCompressed = superblock.isCompressed || entries.some(({ stored }) => stored !== undefined);
    const old = { file, superblock };
    const [chunk] = entries.flatMap((entry) => entry.chunk ?? []);
    await writeErofs({
      entries,
      bodies,
      superblock,
      isCompressed,
      chunk,
      old,
      destination,
      folder: work,
      signal,
    });
    const written = await readErofs(createMemoryFile(await readFile(destination)), {});
    const after = await describe(written.entries);
    if (before !== after) throw new Error(`oracle: ${before} became ${after}`);
  });
}

async function describe(entries: readonly RootEntry[]): Promise<string> {
  const lines: string[] = [];
  const names = new Map<string, number>();
  for (const { link = '' } of entries) names.set(link, (names.get(link) ?? 0) + 1);
  for (const { path, type, mode, uid, gid, mtime, size, target, device, link, attributes, body } of entries) {
    const isLinked = link !== undefined && (names.get(link) ?? 0) > 1;
    const own = [...attributes].map(([name, value]) => [name, Buffer.from(value).toString('hex')]);
    const content = type === 'file' ? await digestBytes(body()) : '';
    lines.push(
      JSON.stringify([
        path,
        type,
        mode,
        uid,
        gid,
        mtime,
        size,
        target,
        device,
        own.sort(),
        content,
        isLinked,
      ]),
    );
  }
  return lines.sort().join('\n');
}

function createTarget(kind: string, run: Target['run']): Target {
  let seeds: readonly Buffer[] | undefined;
  return {
    name: `wrapper-${kind}`,
    get seeds() {
      seeds ??= makeWrapperSeeds(kind);
      return seeds;
    },
    codes,
    usual: 0,
    mutate: mutateWrapper,
    run,
  };
}

/** What runs in this process alone. */
export const wrapperTargets: readonly Target[] = [
  ...['iso', 'uki', 'uimage', 'fit', 'android', 'kernel', 'squashfs'].map((kind) =>
    createTarget(kind, (bytes, random) => runReplace(bytes, random)),
  ),
  createTarget('erofs', (bytes, _, folder) => runErofs(bytes, folder)),
];
