/**
 * Tells whether a path matches a pattern: `*` and `?` stay inside a component, `**` goes over any number,
 * `[...]` is a set. A leading slash is left out; a pattern that names a directory matches what is below it.
 */
export function createGlob(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/^\/+|\/+$/g, '');
  const source = trimmed.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[\\^$.*+?()[\]{}|]/g, translate);
  const expression = new RegExp(`^${source}(/.*)?$`, 'su');
  return trimmed === '' ? () => true : (path) => expression.test(path);
}

function translate(part: string): string {
  if (part === '**/') return '(?:[^/]+/)*';
  if (part === '**') return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  if (part.length > 2 && part.startsWith('[')) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
  return `\\${part}`;
}
