import { createGunzip } from 'node:zlib';
import { createCpioReader } from '../../../format/cpio/cpio-reader.js';
import { parsePermissions, parseType } from '../../../format/mode.js';
import { decodePath, showPath } from '../../../format/path.js';
import { createTurns } from '../../../io/turns.js';
import type { Header } from '../../../model/image/layout.js';
import { readEntries } from '../../../tar/tar-reader.js';
import { type ArchiveFile, largestArchive, normalizeName, requireType } from './archive-file.js';
import { readZip } from './zip-files.js';

const mostFiles = 100_000;

function requireFew({ size }: ReadonlyMap<string, ArchiveFile>): void {
  if (size > mostFiles) throw new Error(`found more than ${mostFiles} files, wanted at most so many`);
}

/** Programs that unpack what node:zlib does not read. */
const others: readonly [string, string][] = [
  ['fd377a585a00', 'xz -dk'],
  ['425a68', 'bunzip2 -k'],
  ['28b52ffd', 'zstd -d'],
];

/** The files of an archive, parents before what is in them. What is wrong with it is the message of an Error. */
export async function readArchive(packed: Uint8Array, signal?: AbortSignal): Promise<readonly ArchiveFile[]> {
  signal?.throwIfAborted();
  const start = Buffer.from(packed.subarray(0, 6)).toString('hex');
  const other = others.find(([magic]) => start.startsWith(magic));
  if (other !== undefined)
    throw new Error(`found a compression that is not read here, wanted gzip or none (${other[1]} FILE)`);
  const isGzip = start.startsWith('1f8b');
  const bytes = isGzip ? await unpackGzip(packed, signal) : packed;
  const magic = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
  if (/^07070[12]/.test(magic)) return readCpio(bytes, signal);
  return isZip(magic) ? readZip(bytes, signal) : readTar(bytes, signal);
}

async function unpackGzip(packed: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
  const unpacking = createGunzip({ chunkSize: 1024 * 1024 });
  unpacking.end(packed);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of unpacking) {
    signal?.throwIfAborted();
    size += chunk.length;
    if (size > largestArchive) throw new Error(`found more than ${largestArchive} bytes, wanted less`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

const tarBlock = 512;
const tarMark = 257;

/** The header of a file, or the end of an empty one. */
function isZip(magic: string): boolean {
  return magic.startsWith('PK\x03\x04') || magic.startsWith('PK\x05\x06');
}

async function readTar(bytes: Uint8Array, signal?: AbortSignal): Promise<readonly ArchiveFile[]> {
  const mark = Buffer.from(bytes.subarray(tarMark, tarMark + 5)).toString('latin1');
  if (mark !== 'ustar' && bytes.length % tarBlock !== 0)
    throw new Error('found neither a tar nor a newc cpio archive nor a zip, wanted one of them');
  const files = new Map<string, ArchiveFile>();
  async function* pieces() {
    yield bytes;
  }
  const turn = createTurns(signal);
  for await (const { record, body } of readEntries(pieces())) {
    await turn();
    requireFew(files);
    const { path, mode, uid, gid, target } = record;
    if (path === '') continue;
    if (record.type === 'link') {
      const first = files.get(target ?? '');
      if (first?.type !== 'file')
        throw new Error(
          `found ${showPath(path)} as another name of ${showPath(target ?? '')}, wanted that file before it`,
        );
      files.set(path, { ...first, path });
      continue;
    }
    const type = requireType(record.type, path);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      await turn();
      chunks.push(Uint8Array.from(chunk));
    }
    const content = type === 'file' ? { content: Buffer.concat(chunks) } : {};
    files.set(path, { path, type, mode, uid, gid, target, ...content });
  }
  return [...files.values()];
}

interface Open {
  readonly path: string;
  readonly header: Header;
  readonly chunks: Uint8Array[];
}

/** The names of one file, one of which has its body, usually the last. */
interface Linked {
  readonly paths: string[];
  content?: Uint8Array;
}

async function readCpio(bytes: Uint8Array, signal?: AbortSignal): Promise<readonly ArchiveFile[]> {
  const reader = createCpioReader();
  const files = new Map<string, ArchiveFile>();
  const linked = new Map<string, Linked>();
  const turn = createTurns(signal);
  let open: Open | undefined;
  for (const token of readTokens(reader, bytes)) {
    await turn();
    if (token.kind === 'problem')
      throw new Error(
        `found a damaged cpio archive (${token.problem} at ${token.position}), wanted a whole one`,
      );
    if (token.kind === 'trailer') break;
    if (token.kind === 'entry') {
      const path = normalizeName(decodePath(token.name));
      open = { path, header: token.header, chunks: [] };
    } else if (token.kind === 'data') open?.chunks.push(Uint8Array.from(token.bytes));
    else if (open !== undefined && open.path !== '') addCpio(open, files, linked);
    requireFew(files);
  }
  return [...files.values()];
}

function* readTokens(reader: ReturnType<typeof createCpioReader>, bytes: Uint8Array) {
  yield* reader.push(bytes);
  yield* reader.end();
}

function addCpio(
  { path, header, chunks }: Open,
  files: Map<string, ArchiveFile>,
  linked: Map<string, Linked>,
): void {
  const type = requireType(parseType(header.mode), path);
  const { uid, gid, ino, devmajor, devminor } = header;
  const content = Buffer.concat(chunks);
  const body = type === 'symlink' ? { target: decodePath(content) } : type === 'file' ? { content } : {};
  const file = { path, type, mode: parsePermissions(header.mode), uid, gid, ...body };
  files.set(path, file);
  if (type !== 'file' || header.nlink < 2) return;
  const key = `${devmajor}:${devminor}:${ino}`;
  const group: Linked = linked.get(key) ?? { paths: [] };
  linked.set(key, group);
  group.paths.push(path);
  if (group.content !== undefined) files.set(path, { ...file, content: group.content });
  else if (content.length > 0) {
    group.content = content;
    for (const name of group.paths) {
      const other = files.get(name);
      if (other?.type === 'file') files.set(name, { ...other, content });
    }
  }
}
