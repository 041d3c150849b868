import { runFilter } from '../../compress/run-filter.js';
import { decodePath } from '../../format/path.js';
import { noBytes } from '../../io/no-bytes.js';
import type { Entry, EntryType } from '../../model/image/entry.js';
import { createInnerError, splitLines } from './program-lines.js';

/** erofs_fs.h, EROFS_FT_*. */
const types: readonly (EntryType | undefined)[] = [
  undefined,
  'file',
  'directory',
  'character',
  'block',
  'fifo',
  'socket',
  'symlink',
];

/** A file system does not nest deeper. */
const deepest = 256;

interface Erofs {
  readonly path: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

interface Node {
  readonly nid: string;
  readonly path: string;
  readonly type: EntryType;
}

/**
 * The entries of an erofs, without bodies, targets of symlinks and device numbers, by `dump.erofs` (1.5 or newer): once
 * for each directory, with `details` once more for each entry. Errors: `program-missing`, `inner-unreadable`.
 */
export async function listErofs(
  path: string,
  name: string,
  { signal, details }: { readonly signal: AbortSignal; readonly details: boolean },
): Promise<Entry[]> {
  const erofs = { path, name, signal };
  const entries: Entry[] = [];
  const root = await findRoot(erofs);
  const waiting: Node[] = [{ nid: root, path: '', type: 'directory' }];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    entries.push({ ...plain, path: node.path, type: node.type, ...(details && (await look(erofs, node))) });
    if (node.type !== 'directory' || node.path.split('/').length > deepest) continue;
    waiting.push(...(await listDirectory(erofs, node)).reverse());
  }
  return entries;
}

const plain = { mode: 0, uid: 0, gid: 0, mtime: 0, size: 0, body: noBytes } as const;

async function findRoot(erofs: Erofs): Promise<string> {
  const text = await dump(erofs, '--path=/');
  return /^NID: (\d+)/m.exec(text.join('\n'))?.[1] ?? '';
}

async function listDirectory(erofs: Erofs, { nid, path }: Node): Promise<Node[]> {
  return (await dump(erofs, `--nid=${nid}`, '--ls')).flatMap((line): Node[] => {
    const [, own, kind, name = ''] = /^ *(\d+) +(\d+) {2}(.*)$/s.exec(line) ?? [];
    const type = types[Number(kind)];
    if (own === undefined || type === undefined || name === '.' || name === '..') return [];
    const text = decodePath(Buffer.from(name, 'latin1'));
    return [{ nid: own, path: path === '' ? text : `${path}/${text}`, type }];
  });
}

async function look(erofs: Erofs, { nid, type }: Node): Promise<Partial<Entry>> {
  const text = (await dump(erofs, `--nid=${nid}`)).join('\n');
  const field = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '0';
  const time = /^Timestamp: (\S+) ([\d:]+)/m.exec(text);
  return {
    mode: Number.parseInt(field(/Access: (\d+)/), 8),
    uid: Number(field(/^Uid: (\d+)/m)),
    gid: Number(field(/Gid: (\d+)/)),
    mtime: time === null ? 0 : Date.parse(`${time[1]}T${time[2]}Z`) / 1000,
    size: type === 'file' || type === 'symlink' ? Number(field(/^Size: (\d+)/m)) : 0,
  };
}

/** The lines of the program, one character a byte. */
async function dump({ path, name, signal }: Erofs, ...options: readonly string[]): Promise<string[]> {
  const argv = ['dump.erofs', ...options, path] as const;
  const failure = (said: string) => createInnerError(name, 'erofs', said);
  const lines: string[] = [];
  for await (const line of splitLines(
    runFilter({ argv, package: 'erofs-utils', failure, signal }, noBytes()),
  ))
    lines.push(Buffer.from(line).toString('latin1'));
  return lines;
}
