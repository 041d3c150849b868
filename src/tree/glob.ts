/**
 * Whether a path matches a pattern: `*` and `?` match inside a component, `**` matches any number of components,
 * `[...]` is a set. A leading slash is ignored; a pattern that matches a directory matches everything below it.
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
