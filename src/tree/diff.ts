import { showMode } from '../format/mode.js';
import type { Difference, TreeDiff } from '../model/image/diff.js';
import type { Entry, EntryField } from '../model/image/entry.js';
import { groupLinks, type LinkNames } from './links.js';

type Tree = ReadonlyMap<string, Entry>;
type FieldDifference = Difference['fields'][number];
/** Names of one file that a difference has. */
const mostNames = 50;

type FieldTexts = Partial<Record<EntryField, string>>;

/**
 * The differences between two root file systems. `hasOtherContent` says whether the bytes of two regular files of
 * one size differ; it is not asked about files of different sizes.
 */
export function diffTrees(before: Tree, after: Tree, hasOtherContent: (path: string) => boolean): TreeDiff {
  const steps = diffInSteps(before, after, hasOtherContent);
  for (let next = steps.next(); ; next = steps.next()) if (next.done) return next.value;
}

/** Entries between two pauses. */
const pause = 1000;

/** The same with pauses, for trees of any size. */
export function* diffInSteps(
  before: Tree,
  after: Tree,
  hasOtherContent: (path: string) => boolean,
): Generator<void, TreeDiff, void> {
  const texts = new Map<string, string>();
  const linksBefore = groupLinks(before.values(), texts);
  const linksAfter = groupLinks(after.values(), texts);
  const shown = new Map<string, string>();
  let count = 0;
  yield;
  const differences: Difference[] = [];
  for (const [path, old] of before) {
    count += 1;
    if (count % pause === 0) yield;
    const entry = after.get(path);
    if (entry === undefined) {
      differences.push({ path, kind: 'removed', type: old.type, fields: [] });
      continue;
    }
    const fields = compareEntries(old, entry);
    if (fields.length > 0) differences.push({ path, kind: 'changed', type: entry.type, fields });
  }
  for (const [path, entry] of after) {
    if (!before.has(path)) differences.push({ path, kind: 'added', type: entry.type, fields: [] });
  }
  const countKind = (kind: Difference['kind']) =>
    differences.filter((difference) => difference.kind === kind).length;
  yield;
  differences.sort((a, b) => (a.path < b.path ? -1 : 1));
  yield;
  return {
    added: countKind('added'),
    removed: countKind('removed'),
    changed: countKind('changed'),
    differences,
  };

  /** A file of a million names is a million differences when it gets another one: each would tell all of them. */
  function shortenLinks(difference: FieldDifference): FieldDifference {
    if (difference.field !== 'link') return difference;
    return { ...difference, before: shorten(difference.before), after: shorten(difference.after) };
  }

  function shorten(names: string): string {
    const known = shown.get(names);
    if (known !== undefined) return known;
    const all = names.split('\n');
    const more = all.length > mostNames ? [`and ${all.length - mostNames} more names`] : [];
    const short = [...all.slice(0, mostNames), ...more].join('\n');
    shown.set(names, short);
    return short;
  }

  function compareEntries(old: Entry, entry: Entry): FieldDifference[] {
    const { path } = old;
    const hasOther =
      old.type === 'file' && entry.type === 'file' && (old.size !== entry.size || hasOtherContent(path));
    const isSame = isAlike(old, entry) && linksBefore(path) === linksAfter(path);
    if (isSame && !hasOther) return [];
    const fields = compareTexts(describe(old, linksBefore), describe(entry, linksAfter)).map(shortenLinks);
    if (!hasOther) return fields;
    return [...fields, { field: 'content', before: `${old.size} bytes`, after: `${entry.size} bytes` }];
  }
}

/** Whether all fields that `describe` shows are equal: they are for most entries, and comparing texts costs more. */
function isAlike(old: Entry, entry: Entry): boolean {
  return (
    old.type === entry.type &&
    old.mode === entry.mode &&
    old.uid === entry.uid &&
    old.gid === entry.gid &&
    old.mtime === entry.mtime &&
    (old.type !== 'file' || old.size === entry.size) &&
    old.target === entry.target &&
    old.device?.major === entry.device?.major &&
    old.device?.minor === entry.device?.minor
  );
}

function describe(entry: Entry, links: LinkNames): FieldTexts {
  const { path, type, mode, uid, gid, mtime, size, target, device } = entry;
  return {
    type,
    mode: showMode(type, mode),
    uid: String(uid),
    gid: String(gid),
    mtime: new Date(mtime * 1000).toISOString().replace('.000Z', 'Z'),
    ...(type === 'file' ? { size: String(size) } : {}),
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device: `${device.major}:${device.minor}` }),
    link: links(path),
  };
}

function compareTexts(before: FieldTexts, after: FieldTexts): FieldDifference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])] as EntryField[];
  return fields
    .filter((field) => before[field] !== after[field])
    .map((field) => ({ field, before: before[field] ?? '', after: after[field] ?? '' }));
}
