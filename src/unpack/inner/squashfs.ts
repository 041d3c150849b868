import { runFilter } from '../../compress/run-filter.js';
import { decodePath } from '../../format/path.js';
import { noBytes } from '../../io/no-bytes.js';
import type { Entry, EntryType } from '../../model/image/entry.js';
import { createInnerError, splitLines } from './program-lines.js';

const types: Readonly<Record<string, EntryType>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  s: 'socket',
};

/**
 * The entries of a squashfs, without bodies, by `unsquashfs` (4.4 or newer). Times are whole minutes. Errors:
 * `program-missing`, `inner-unreadable`.
 */
export async function listSquashfs(path: string, name: string, signal: AbortSignal): Promise<Entry[]> {
  const argv = ['unsquashfs', '-UTC', '-lln', '-d', '', path] as const;
  const failure = (said: string) => createInnerError(name, 'squashfs', said);
  const entries: Entry[] = [];
  for await (const line of splitLines(
    runFilter({ argv, package: 'squashfs-tools', failure, signal }, noBytes()),
  )) {
    const entry = parseLine(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Of the root the name is empty. A name with a line break has only its first line here. */
const pattern =
  /^([-dlcbps])([-rwxsStT]{9}) (\d+)\/(\d+) +(?:(\d+), *(\d+)|(\d+)) (\d{4}-\d\d-\d\d \d\d:\d\d) ?(.*)$/s;

/** An entry of `unsquashfs -lln`; undefined for any other line. */
function parseLine(line: Uint8Array): Entry | undefined {
  const found = pattern.exec(Buffer.from(line).toString('latin1'));
  if (found === null) return undefined;
  const [, kind = '', bits = '', uid, gid, major, minor, size = '0', time = '', rest = ''] = found;
  const type = types[kind] ?? 'file';
  const length = type === 'symlink' ? Number(size) : 0;
  const isLink = type === 'symlink' && rest.slice(-length - 4).startsWith(' -> ');
  const text = (part: string) => decodePath(Buffer.from(part, 'latin1'));
  return {
    path: text(isLink ? rest.slice(0, -length - 4) : rest).replace(/^\//, ''),
    type,
    mode: parseBits(bits),
    uid: Number(uid),
    gid: Number(gid),
    mtime: Date.parse(`${time.replace(' ', 'T')}Z`) / 1000,
    size: type === 'file' || type === 'symlink' ? Number(size) : 0,
    ...(isLink && { target: text(rest.slice(-length)) }),
    ...(major !== undefined && { device: { major: Number(major), minor: Number(minor) } }),
    body: noBytes,
  };
}

/** `rwsr-xr-t` */
function parseBits(text: string): number {
  let mode = 0;
  for (const [index, letter] of [...text].entries()) {
    const bit = 0o400 >> index;
    if (letter !== '-' && letter !== 'S' && letter !== 'T') mode |= bit;
    if (/[sStT]/.test(letter)) mode |= 0o4000 >> Math.floor(index / 3);
  }
  return mode;
}
