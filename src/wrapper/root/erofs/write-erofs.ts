import { type FileHandle, open } from 'node:fs/promises';
import { encodeDevice } from '../../../format/device.js';
import { encodePath } from '../../../format/path.js';
import { readAt, writeAt } from '../../../io/file/read-write.js';
import { noBytes } from '../../../io/no-bytes.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Bytes } from '../../../model/image/entry.js';
import { alignUp } from '../../align-up.js';
import type { RootEntry } from '../root-tree.js';
import { createAppender } from './appender.js';
import { countAttributes, encodeAttributes } from './attributes.js';
import type { Erofs } from './body.js';
import { copyBody } from './copy-body.js';
import { arrangeDirents, type Dirent, encodeDirents, measureDirents } from './directory.js';
import { encodeInode, layouts, longInodeSize, slotSize } from './inode.js';
import { type BlockSink, type StoredBody, storeBody } from './store-body.js';
import { createChunkStore, storeChunks } from './store-chunks.js';
import { encodeSuperblock, newBlockSize, type Superblock } from './superblock.js';

/** The first id: some programs take inode 0 for no inode. */
const firstId = 2;
const mostBlocks = 0xffffffff;
/** Blocks of a piece before compression. */
const usualLargest = 16;

export interface ErofsRequest {
  /** Parents before what is in them; the first is the root. */
  readonly entries: readonly RootEntry[];
  /** One name of each file with its body, in the order in which bodies are stored. */
  bodies(isWanted: (entry: RootEntry) => boolean): AsyncIterable<readonly [entry: RootEntry, body: Bytes]>;
  readonly superblock: Pick<Superblock, 'time' | 'nanoseconds' | 'uuid' | 'volume'>;
  readonly isCompressed: boolean;
  /** Bytes of chunks, of which equal ones share their blocks. Absent: each file has all of its blocks. */
  readonly chunk?: number | undefined;
  /** What `stored` of an entry leads into; the compressed pieces of such a file are copied. */
  readonly old?: Erofs | undefined;
  /** A new file. */
  readonly destination: string;
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Writes an erofs with all of the entries. The layout depends on them and the old file system alone: contents, then inodes with the rests that fit behind
 * them. Kernels from 5.13 on read it, one with chunks those from 5.15 on. Error (`invalid`): `wrapper-unfit`.
 */
export async function writeErofs(request: ErofsRequest): Promise<void> {
  await using file = await open(request.destination, 'wx', 0o600);
  await using rests = await open(`${request.folder}/rests`, 'wx+', 0o600);
  const sink = createSink(file);
  const nodes = createNodes(request.entries);
  await storeFiles(request, { nodes, sink, rests });
  await writeTree(request, { nodes, sink, rests, file });
}

/** An inode: a file with all of its names, or any other entry. */
interface Node {
  readonly entry: RootEntry;
  links: number;
  readonly attributes: Uint8Array;
  /** Of a directory: blocks of names. */
  dirents?: Name[][];
  body?: Omit<StoredBody, 'behind'> & { readonly rest: Range };
  id: number;
}

interface Range {
  readonly start: number;
  readonly size: number;
}

interface Name extends Dirent {
  readonly node: Node;
}

/** Nodes by path; the names of one file share a node. */
function createNodes(entries: readonly RootEntry[]): Map<string, Node> {
  const nodes = new Map<string, Node>();
  const groups = new Map<string, Node>();
  for (const entry of entries) {
    const known = entry.link === undefined ? undefined : groups.get(entry.link);
    if (known !== undefined) known.links += 1;
    const attributes = known === undefined ? encodeAttributes(entry.attributes) : undefined;
    if (known === undefined && attributes === undefined)
      throw createUnfitError(
        entry.path,
        'an extended attribute of a kind or a size that erofs does not have',
      );
    const node = known ?? { entry, links: 1, attributes: attributes ?? new Uint8Array(), id: 0 };
    nodes.set(entry.path, node);
    if (entry.link !== undefined) groups.set(entry.link, node);
  }
  nameChildren(nodes);
  return nodes;
}

function nameChildren(nodes: ReadonlyMap<string, Node>): void {
  const names = new Map<Node, Name[]>();
  for (const [path, node] of nodes) {
    if (node.entry.type !== 'directory' && path === '') throw new Error('the root is a directory');
    const cut = path.lastIndexOf('/');
    const parent = path === '' ? node : nodes.get(path.slice(0, Math.max(cut, 0)));
    if (parent === undefined) throw new Error(`${path} has no parent`);
    if (path !== '')
      names.get(parent)?.push({ name: encodePath(path.slice(cut + 1)), type: node.entry.type, node });
    if (node.entry.type !== 'directory') continue;
    // Each directory is named by itself, by its parent, and as the parent of those in it.
    node.links = 2;
    if (path !== '') parent.links += 1;
    names.set(node, [
      { name: Buffer.from('.'), type: 'directory', node },
      { name: Buffer.from('..'), type: 'directory', node: parent },
    ]);
  }
  for (const [node, each] of names) node.dirents = arrangeDirents(each);
}

interface FileSink extends BlockSink {
  block: number;
  end(): Promise<void>;
}

function createSink(file: FileHandle): FileSink {
  // The first block has the superblock.
  const appender = createAppender(file, newBlockSize);
  const sink = {
    block: 1,
    async write(bytes: Uint8Array) {
      await appender.put(bytes, sink.block * newBlockSize);
      sink.block += Math.ceil(bytes.length / newBlockSize);
      if (sink.block > mostBlocks) throw createUnfitError('', 'more than 2^32 blocks');
    },
    end: () => appender.end(),
  };
  return sink;
}

interface Writing {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly sink: FileSink;
  readonly rests: FileHandle;
}

/** Files in chunks or compressed, where the file system has that; the targets of symlinks as they are. */
function createStore({ isCompressed, chunk }: ErofsRequest, sink: BlockSink) {
  const chunks = chunk === undefined || isCompressed ? undefined : createChunkStore(chunk);
  return (node: Node, body: Bytes, isFile: boolean): Promise<StoredBody> => {
    const { size } = node.entry;
    if (chunks !== undefined && isFile && size > newBlockSize) return storeChunks(body, chunks, sink);
    const options = { size, isCompressed: isFile && isCompressed, room: roomBehind(node) };
    return storeBody(body, options, sink);
  };
}

async function storeFiles(request: ErofsRequest, { nodes, sink, rests }: Writing): Promise<void> {
  const { bodies, isCompressed, old, signal } = request;
  let end = 0;
  const appender = createAppender(rests, 0);
  const keep = async (node: Node, { behind, ...stored }: StoredBody) => {
    await appender.put(behind, end);
    node.body = { ...stored, rest: { start: end, size: behind.length } };
    end += behind.length;
  };
  const storeOne = createStore(request, sink);
  const store = async (node: Node, body: Bytes, isFile: boolean) =>
    keep(node, await storeOne(node, body, isFile));
  if (old !== undefined && isCompressed)
    for (const node of new Set(nodes.values())) {
      signal.throwIfAborted();
      const { stored } = node.entry;
      const copied = stored === undefined ? undefined : await copyBody(old, stored, sink);
      if (copied !== undefined) await keep(node, copied);
    }
  for await (const [{ path }, body] of bodies(({ path }) => nodes.get(path)?.body === undefined)) {
    signal.throwIfAborted();
    const node = nodes.get(path);
    if (node !== undefined) await store(node, body, true);
  }
  for (const node of new Set(nodes.values())) {
    const { type, target = '' } = node.entry;
    if (type === 'symlink') await store(node, holdText(target), false);
    else if (type === 'file' && node.body === undefined) await store(node, noBytes(), false);
  }
  await appender.end();
}

async function* holdText(text: string): Bytes {
  yield encodePath(text);
}

const noRest = new Uint8Array();
const idOf = (name: Name) => name.node.id;

/** Places every inode before it writes a directory, which has the ids of its entries. */
async function writeTree(
  request: ErofsRequest,
  { nodes, sink, rests, file }: Writing & { readonly file: FileHandle },
): Promise<void> {
  const all = [...new Set(nodes.values())];
  for (const node of all)
    if (node.dirents !== undefined) node.body = placeDirectory(node, node.dirents, sink);
  const inodesAt = sink.block;
  const end = placeInodes(all);
  for (const { dirents, body } of all) {
    if (dirents === undefined || body === undefined) continue;
    const names = encodeDirents(dirents, idOf);
    sink.block = body.place;
    await sink.write(names.subarray(0, names.length - body.rest.size));
  }
  await sink.end();
  const appender = createAppender(file, inodesAt * newBlockSize);
  for (const [index, node] of all.entries()) {
    if (index % 1000 === 0) request.signal.throwIfAborted();
    const behind = await readRest(node, rests);
    await appender.put(encodeNode(node, index, behind), inodesAt * newBlockSize + node.id * slotSize);
  }
  await appender.end();
  const blocks = inodesAt + Math.ceil(end / newBlockSize);
  const [root] = all;
  const largest = all.reduce((most, { body }) => Math.max(most, body?.largest ?? 0), usualLargest);
  const fields = {
    ...request.superblock,
    largest,
    rootId: root?.id ?? 0,
    inodesAt,
    blocks,
    inodes: all.length,
    hasChunks: all.some(({ body }) => body?.layout === layouts.chunks),
  };
  await writeAt(file, encodeSuperblock({ ...fields, isCompressed: request.isCompressed }), 0);
  await file.truncate(blocks * newBlockSize);
}

/** What stands behind the inode. */
async function readRest({ dirents, body }: Node, rests: FileHandle): Promise<Uint8Array> {
  const { start, size } = body?.rest ?? { start: 0, size: 0 };
  if (size === 0) return noRest;
  if (dirents === undefined) return readAt(rests, start, start + size);
  const names = encodeDirents(dirents, idOf);
  return names.subarray(names.length - size);
}

/** Bytes that may stand behind an inode in its own block. */
function roomBehind({ attributes }: Node): number {
  return newBlockSize - longInodeSize - attributes.length;
}

function placeDirectory(node: Node, dirents: Name[][], sink: { block: number }): NonNullable<Node['body']> {
  const size = measureDirents(dirents);
  const rest = size % newBlockSize;
  const isBehind = rest > 0 && rest <= roomBehind(node);
  const place = sink.block;
  sink.block += isBehind ? Math.floor(size / newBlockSize) : Math.ceil(size / newBlockSize);
  return {
    layout: isBehind ? layouts.inline : layouts.plain,
    place,
    rest: { start: 0, size: isBehind ? rest : 0 },
  };
}

/** Gives each inode its id, and returns the bytes up to the end of the last one. An inline rest must be in the block of its inode. */
function placeInodes(nodes: readonly Node[]): number {
  let at = firstId * slotSize;
  for (const node of nodes) {
    const own =
      longInodeSize +
      (node.body?.layout === layouts.inline ? node.attributes.length + node.body.rest.size : 0);
    if (Math.floor(at / newBlockSize) !== Math.floor((at + own - 1) / newBlockSize))
      at = alignUp(at, newBlockSize);
    node.id = at / slotSize;
    const { attributes, body } = node;
    const end = at + longInodeSize + attributes.length;
    const behind = body === undefined ? end : startBehind(end, body) + body.rest.size;
    at = alignUp(behind, slotSize);
  }
  return at;
}

/** Where the bytes behind an inode begin: a map is aligned to 8. */
function startBehind(end: number, { layout }: Pick<StoredBody, 'layout'>): number {
  return layout === layouts.fullIndex ? alignUp(end, 8) : end;
}

function encodeNode(
  { entry, links, attributes, dirents, body }: Node,
  index: number,
  behind: Uint8Array,
): Buffer {
  const { type, mode, uid, gid, mtime, nanoseconds, device } = entry;
  const inode = encodeInode({
    layout: body?.layout ?? layouts.plain,
    attributes: countAttributes(attributes.length),
    type,
    mode,
    links,
    size: dirents === undefined ? entry.size : measureDirents(dirents),
    place: device === undefined ? (body?.place ?? 0) : encodeDevice(device),
    number: index + 1,
    uid,
    gid,
    mtime,
    nanoseconds,
  });
  const end = longInodeSize + attributes.length;
  const gap = Buffer.alloc((body === undefined ? end : startBehind(end, body)) - end);
  return Buffer.concat([inode, attributes, gap, behind]);
}

function createUnfitError(path: string, found: string): MobyPatchError {
  return new MobyPatchError(
    'invalid',
    'wrapper-unfit',
    `found ${found}: it does not fit into the file system`,
    {
      path: `/${path}`,
      hint: 'leave it out of the image',
    },
  );
}
