import { mkdir, rm } from 'node:fs/promises';
import { digestBytes, digestFiles } from '../io/digest.js';
import { openInputFile } from '../io/file/input-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import type { Scratch } from '../io/place/scratch.js';
import { inTurns } from '../io/turns.js';
import type { Image, ImageEntry } from '../model/image/archive.js';
import type { Bytes, Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { isRootKind, type RootKind } from '../model/image/wrapper.js';
import { limitsOfOutput } from '../model/limits.js';
import type { Session } from '../model/session.js';
import { diffInSteps } from '../tree/diff.js';
import { createDifferenceError } from '../wrapper/difference-error.js';
import { noAttributes, type RootEntry, type RootTree } from '../wrapper/root/root-tree.js';
import { type RebuiltRoot, rebuildOuter } from './inner-root.js';
import type { Run, WrappedInput } from './run.js';

interface RebuildStage {
  readonly written: Image;
  readonly scratch: Scratch;
}

/** A file system with the entries of the new archive; undefined where the image is in none. Errors: those of `writeRoot`. */
export async function rebuildRoot(
  run: Run,
  { written, scratch }: RebuildStage,
): Promise<RebuiltRoot | undefined> {
  const { wrapped, draft, session } = run;
  if (wrapped?.root === undefined || !isRootKind(wrapped.wrapper.kind)) return undefined;
  const { kind } = wrapped.wrapper;
  const { signal } = session;
  const { entries, lost } = mergeRoot(wrapped.root, written, listRewritten(run));
  for (const [path, name] of lost) draft.warn(`/${path} changed, so its attribute ${name} is dropped`);
  const { writeRoot } = await import('../wrapper/root/root-format.js');
  const destination = `${scratch.path}/new.root`;
  const old = wrapped.inside ?? wrapped.path;
  const request = { path: old, kind, entries, destination, folder: scratch.path, signal };
  const way = await writeRoot({
    ...request,
    bodies: (isWanted) => listBodies(written, entries.filter(isWanted)),
  });
  const check = (path: string) => checkRoot(session, { wrapped, kind, path, written, entries, scratch });
  const { entry } = wrapped;
  if (entry !== undefined) {
    await check(destination);
    return rebuildOuter(run, { outer: { path: wrapped.path, entry }, path: destination, way, scratch });
  }
  return {
    way,
    bytes: streamRegular(destination),
    check,
    async [Symbol.asyncDispose]() {},
  };
}

/** Paths whose bytes changed. */
function listRewritten({ draft }: Run): ReadonlySet<string> {
  const differences = draft.report().diff?.differences ?? [];
  const isRewritten = ({ kind, fields }: (typeof differences)[number]) =>
    kind !== 'changed' || fields.some(({ field }) => field === 'content' || field === 'type');
  return new Set(differences.filter(isRewritten).map(({ path }) => path));
}

/** A kernel removes these when a file is written to: they hold for its bytes. */
const ofContent = ['security.capability', 'security.ima', 'security.evm'];

interface MergedRoot {
  readonly entries: readonly RootEntry[];
  /** Paths that lose an attribute. */
  readonly lost: readonly (readonly [path: string, name: string])[];
}

/** Adds to the entries what the archive has no place for, taken from the old entry of the same path and type. */
function mergeRoot(old: RootTree, { entries }: Image, rewritten: ReadonlySet<string>): MergedRoot {
  const known = new Map(old.entries.map((entry) => [entry.path, entry]));
  const lost: [string, string][] = [];
  const merge = (entry: ImageEntry): RootEntry => {
    const before = known.get(entry.path);
    const attributes = before?.type === entry.type ? before.attributes : noAttributes;
    const isOther = rewritten.has(entry.path);
    const kept = [...attributes].filter(([name]) => !isOther || !ofContent.includes(name));
    if (isOther) for (const name of ofContent) if (attributes.has(name)) lost.push([entry.path, name]);
    const nanoseconds = before?.mtime === entry.mtime ? before.nanoseconds : 0;
    const stored = isOther || before?.size !== entry.size ? undefined : before.stored;
    const link = findLink(before, entry) ?? entry.link;
    return { ...entry, attributes: new Map(kept), nanoseconds, stored, chunk: before?.chunk, link };
  };
  return { entries: [...entries.values()].map(merge), lost };
}

/** The names of a symlink or a device that are one inode of the old file system stay one, while both are as they were. */
function findLink(before: RootEntry | undefined, entry: ImageEntry): string | undefined {
  if (before?.link === undefined || entry.type === 'file') return undefined;
  const show = ({ type, mode, uid, gid, mtime, target, device }: Entry) =>
    JSON.stringify([type, mode, uid, gid, mtime, target, device?.major, device?.minor]);
  return show(before) === show(entry) ? `old inode ${before.link}` : undefined;
}

/** One name of each file that has bytes, in one pass over the archive. */
async function* listBodies(
  image: Image,
  entries: readonly RootEntry[],
): AsyncGenerator<readonly [RootEntry, Bytes], void, void> {
  const files = new Map<ArchiveRecord, RootEntry>();
  for (const entry of entries) {
    const found = image.entries.get(entry.path);
    if (found?.type === 'file' && found.size > 0 && !files.has(found.data)) files.set(found.data, entry);
  }
  for await (const [record, body] of image.bodies(new Set(files.keys()))) {
    const entry = files.get(record);
    if (entry !== undefined) yield [entry, body];
  }
}

interface CheckStage extends RebuildStage {
  readonly wrapped: WrappedInput;
  readonly kind: RootKind;
  /** The new file system. */
  readonly path: string;
  readonly entries: readonly RootEntry[];
}

/** Reads the new file system back and compares every path with the archive that was checked. */
async function checkRoot(
  { signal, limits: given }: Session,
  { wrapped, kind, path, written, entries, scratch }: CheckStage,
): Promise<void> {
  const { readRoot } = await import('../wrapper/root/root-format.js');
  const folder = `${scratch.path}/again`;
  await mkdir(folder, { mode: 0o700 });
  await using file = await openInputFile(path, wrapped.path);
  const root = await readRoot(file, kind, { folder, signal, limits: limitsOfOutput(given) });
  const found = new Map(root.entries.map((entry) => [entry.path, entry]));
  const changed = await listOtherBodies(written, found, signal);
  const isOther = (each: string) => changed.has(each);
  const wanted = new Map(entries.map((entry) => [entry.path, entry]));
  const { differences } = await inTurns(diffInSteps(wanted, found, isOther), signal);
  const first = differences.find(({ type }) => type !== 'socket');
  const other = first?.path ?? findOtherAttributes(entries, root.entries);
  await rm(folder, { recursive: true });
  if (other === undefined) return;
  throw createDifferenceError(wrapped.path, `/${other} of the new file system is not what it must be`);
}

/** Paths of files whose bytes differ. */
async function listOtherBodies(
  written: Image,
  found: ReadonlyMap<string, RootEntry>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const other = new Set<string>();
  const groups = new Map<string, string>();
  const wanted = await digestFiles(written, written.entries.keys());
  for (const [path, digest] of wanted) {
    signal.throwIfAborted();
    const entry = found.get(path);
    if (entry?.type !== 'file') continue;
    const { link } = entry;
    const known = link === undefined ? undefined : groups.get(link);
    const own = known ?? (await digestBytes(entry.body()));
    if (link !== undefined) groups.set(link, own);
    if (own !== digest) other.add(path);
  }
  return other;
}

function findOtherAttributes(wanted: readonly RootEntry[], found: readonly RootEntry[]): string | undefined {
  const show = ({ attributes }: RootEntry) =>
    [...attributes]
      .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
      .sort()
      .join();
  const known = new Map(found.map((entry) => [entry.path, show(entry)]));
  return wanted.find((entry) => entry.type !== 'socket' && known.get(entry.path) !== show(entry))?.path;
}
