import { showPath } from '../format/path.js';
import { showText } from '../format/show-text.js';
import type { Difference, TreeDiff } from '../model/diff.js';

export function renderDiff(diff: TreeDiff): string[] {
  const signs = { added: '+', removed: '-', changed: '~' } as const;
  return diff.differences.flatMap((difference) => {
    const { kind, path, type } = difference;
    const { what, text } = renderDifference(difference);
    const shown = kind === 'changed' ? `  ${what}` : type === 'file' ? '' : ` (${what})`;
    return [
      `${signs[kind]} ${showPath(path === '' ? '.' : path)}${shown}`,
      ...text.map((line) => `    ${line}`),
    ];
  });
}

/** `what`: the fields that differ, or the type of an entry that is on one side only. `text`: the changed lines. */
export function renderDifference({ kind, type, fields, text = [] }: Difference): {
  readonly what: string;
  readonly text: readonly string[];
} {
  const changes = fields.map(({ field, before, after }) =>
    field === 'content' ? 'content' : `${field} ${showValue(before)} -> ${showValue(after)}`,
  );
  return { what: kind === 'changed' ? changes.join(', ') : type, text: text.map(showText) };
}

/** A hard link's value has a line for each of its names. */
function showValue(value: string): string {
  return showText(value.replaceAll('\n', ' = '));
}
