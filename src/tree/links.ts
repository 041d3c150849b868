import type { Entry } from '../model/image/entry.js';

/** All names of the file at a path, sorted, as one text; for a path that is no hard link the path. */
export type LinkNames = (path: string) => string;

/** `texts`: shared between groupings that are compared, so that equal texts are the same string. */
export function groupLinks(entries: Iterable<Entry>, texts = new Map<string, string>()): LinkNames {
  const groups = new Map<string, string[]>();
  for (const { path, link } of entries) {
    if (link === undefined) continue;
    const group = groups.get(link);
    if (group === undefined) groups.set(link, [path]);
    else group.push(path);
  }
  const names = new Map<string, string>();
  for (const group of groups.values()) {
    const text = group.sort().join('\n');
    const shared = texts.get(text) ?? text;
    texts.set(shared, shared);
    for (const path of group) names.set(path, shared);
  }
  return (path) => names.get(path) ?? path;
}
