import { showMode } from '../../../format/mode.js';
import type { Device, Entry } from '../../../model/image/entry.js';
import type { AttestedDifference } from '../../../model/result/attestation.js';
import { builtInPaths } from '../../../tree/inode.js';
import type { AttestedPath } from './attested-line.js';

/** What the guest should have: `sha256` of regular files. */
export type ExpectedPath = Omit<Entry, 'body' | 'path' | 'mtime'>;

export interface AttestedTree {
  readonly differences: readonly AttestedDifference[];
  /** What the guest has besides: files of an archive in the kernel. */
  readonly added: readonly string[];
}

/** Holds what a guest has unpacked against the tree that the image makes. */
export function compareAttested(
  wanted: ReadonlyMap<string, ExpectedPath>,
  told: readonly AttestedPath[],
): AttestedTree {
  const found = new Map(told.map((each) => [each.path, each]));
  const groups = new Map<string, number>();
  const differences: AttestedDifference[] = [];
  for (const [path, entry] of wanted) {
    const other = found.get(path);
    if (other === undefined) {
      differences.push({ path, what: 'missing', wanted: describe(entry), found: 'nothing' });
      continue;
    }
    for (const [what, left, right] of listFields(entry, other))
      if (left !== right) differences.push({ path, what, wanted: left, found: right });
    if (entry.link === undefined) continue;
    const inode = groups.get(entry.link) ?? other.inode;
    groups.set(entry.link, inode);
    if (inode !== other.inode)
      differences.push({ path, what: 'link', wanted: 'a name of one file', found: 'a file of its own' });
  }
  const added = [...found.keys()].filter((path) => !wanted.has(path) && !builtIn.has(path)).sort();
  return { differences, added };
}

/** Every kernel has them, whether the image does or not. */
const builtIn: ReadonlySet<string> = new Set(builtInPaths);

type Field = readonly [what: AttestedDifference['what'], wanted: string, found: string];

function listFields(entry: ExpectedPath, other: AttestedPath): readonly Field[] {
  if (entry.type !== other.type) return [['type', entry.type, other.type]];
  const { type } = entry;
  const fields: Field[] = [
    ['mode', showMode(type, entry.mode), showMode(type, other.mode)],
    ['owner', `${entry.uid}:${entry.gid}`, `${other.uid}:${other.gid}`],
  ];
  if (type === 'symlink') fields.push(['target', entry.target ?? '', other.target ?? '']);
  if (type === 'character' || type === 'block')
    fields.push(['device', showDevice(entry.device), showDevice(other.device)]);
  if (type !== 'file') return fields;
  if (entry.size !== other.size) return [...fields, ['size', `${entry.size} bytes`, `${other.size} bytes`]];
  return [...fields, ['content', entry.sha256 ?? '', other.sha256 ?? 'unreadable']];
}

function describe({ type, size }: ExpectedPath): string {
  return type === 'file' ? `a file of ${size} bytes` : `a ${type}`;
}

function showDevice({ major, minor }: Device = { major: 0, minor: 0 }): string {
  return `${major}:${minor}`;
}
