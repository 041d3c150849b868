import type { Entry } from '../model/entry.js';

/** All names of the file at a path, sorted, as one text; a path that is no hard link gives itself. */
export type LinkNames = (path: string) => string;

export function groupLinks(entries: Iterable<Entry>): LinkNames {
  const links = new Map<string, string>();
  const groups = new Map<string, string[]>();
  for (const { path, link } of entries) {
    if (link === undefined) continue;
    links.set(path, link);
    groups.set(link, [...(groups.get(link) ?? []), path]);
  }
  return (path) => (groups.get(links.get(path) ?? '') ?? [path]).toSorted().join('\n');
}
