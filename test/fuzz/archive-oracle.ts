import { isTrailerName } from '#src/format/cpio/cpio-header.js';
import { createCpioReader, type ReaderProblem, type ReaderToken } from '#src/format/cpio/cpio-reader.js';
import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { decodePath } from '#src/format/path.js';
import { isWritable } from '#src/format/sidecar.js';
import type { Bytes } from '#src/model/image/entry.js';
import type { ArchiveRecord, Header } from '#src/model/image/layout.js';
import { mergeRecords } from '#src/tree/merge.js';
import { parentPath } from '#src/tree/resolve.js';
import type { Random } from './mutate.js';

interface ReadEntry {
  readonly header: Header;
  readonly name: Uint8Array;
  readonly body: Buffer;
}

export interface ReadArchive {
  /** `undefined` for a TRAILER. */
  readonly entries: readonly (ReadEntry | undefined)[];
  readonly problem?: ReaderProblem | undefined;
}

function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`oracle: ${what}`);
}

interface OpenEntry {
  readonly header: Header;
  readonly name: Uint8Array;
  readonly pieces: Buffer[];
}

function closeEntry({ header, name, pieces }: OpenEntry): ReadEntry {
  return { header, name, body: Buffer.concat(pieces) };
}

/** Reads in pieces of any size; every place that is named lies inside, and no more steps than bytes are made. */
export function readPieces(bytes: Buffer, random: Random | undefined): ReadArchive {
  const reader = createCpioReader();
  const entries: (ReadEntry | undefined)[] = [];
  let problem: ReaderProblem | undefined;
  let steps = 0;
  let open: OpenEntry | undefined;
  const take = (tokens: Iterable<ReaderToken>) => {
    for (const token of tokens) {
      steps += 1;
      switch (token.kind) {
        case 'entry':
          open = { header: token.header, name: token.name.slice(), pieces: [] };
          break;
        case 'trailer':
          entries.push(undefined);
          break;
        case 'data':
          open?.pieces.push(Buffer.from(token.bytes));
          break;
        case 'end':
          if (open !== undefined) entries.push(closeEntry(open));
          break;
        case 'problem':
          demand(problem === undefined, 'two problems');
          demand(token.position >= 0 && token.position <= bytes.length, 'a problem outside the input');
          problem = token.problem;
      }
    }
  };
  const longest = random?.pick([37, 500, 70_000]) ?? 0;
  for (let at = 0; at < bytes.length && !reader.ended; ) {
    const end = random === undefined ? bytes.length : at + 1 + random.below(longest);
    take(reader.push(bytes.subarray(at, end)));
    at = Math.min(end, bytes.length);
    demand(steps <= bytes.length, 'more steps than bytes');
  }
  take(reader.end());
  for (const entry of entries)
    if (entry !== undefined) demand(entry.body.length === entry.header.filesize, 'a body of another size');
  return { entries, problem };
}

/** What was parsed, written again and read again, is the same. */
export function checkRewritten({ entries }: ReadArchive): void {
  const kept = entries.filter((entry) => entry === undefined || isWritable(decodePath(entry.name)));
  const written = kept.flatMap((entry) =>
    entry === undefined
      ? [encodeTrailer()]
      : [encodeRecord(entry.header, entry.name), entry.body, encodePadding(entry.body.length)],
  );
  const again = readPieces(Buffer.concat(written), undefined);
  demand(again.problem === undefined, `what was written does not parse: ${again.problem}`);
  demand(again.entries.length === kept.length, 'another number of entries');
  for (const [index, entry] of kept.entries()) {
    const other = again.entries[index];
    demand((entry === undefined) === (other === undefined), 'a TRAILER more or less');
    if (entry === undefined || other === undefined) continue;
    const { magic: _, check: __, namesize: ___, ...fields } = entry.header;
    const wanted = isTrailerName(entry.name) ? Buffer.from('./TRAILER!!!') : entry.name;
    for (const [key, value] of Object.entries(fields))
      demand(other.header[key as keyof Header] === value, `another ${key}`);
    demand(Buffer.compare(wanted, other.name) === 0 && entry.body.equals(other.body), 'other bytes');
  }
}

/** Whatever the records, a tree comes out in which everything has a directory to be in. */
export function checkMerged({ entries }: ReadArchive): void {
  let index = -1;
  const records = entries.map((entry): ArchiveRecord | undefined => {
    if (entry === undefined) return undefined;
    index += 1;
    const { header, name, body } = entry;
    const isLink = (header.mode & 0o170000) === 0o120000 && header.filesize <= 4095;
    const target = isLink ? { target: decodePath(body) } : {};
    return { segment: 0, index, position: 0, header, name: decodePath(name), ...target };
  });
  const { entries: names, dropped } = mergeRecords(records, noBody);
  demand(names.size + dropped.length <= 2 * records.length, 'more names than records');
  for (const [path, node] of names) {
    demand(
      !path.split('/').some((part) => part === '.' || part === '..' || part.includes('\0')),
      `the path ${path}`,
    );
    demand(path === '' || path.split('/').every((part) => part !== ''), `the path ${path}`);
    const parent = parentPath(path);
    const isThere = names.get(parent)?.type === 'directory' || ['', 'dev', 'root'].includes(parent);
    demand(isThere, `${path} is in nothing`);
    demand(node.target === undefined || !node.target.includes('\0'), 'a target with a NUL');
  }
}

async function* noBody(): Bytes {}
