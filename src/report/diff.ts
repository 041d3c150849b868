import { showBootconfigKey } from '../format/bootconfig/bootconfig-text.js';
import { showPath } from '../format/path.js';
import { showLine, showText } from '../format/show-text.js';
import type { Difference, TreeDiff } from '../model/image/diff.js';

export function renderDiff(diff: TreeDiff): string[] {
  const signs = { added: '+', removed: '-', changed: '~' } as const;
  const entries = diff.differences.flatMap((difference) => {
    const { kind, path, type } = difference;
    const { what, text } = renderDifference(difference);
    const shown = kind === 'changed' ? `  ${what}` : type === 'file' ? '' : ` (${what})`;
    return [
      `${signs[kind]} ${showPath(path === '' ? '.' : path)}${shown}`,
      ...text.map((line) => `    ${line}`),
    ];
  });
  return [...entries, ...renderBootconfig(diff)];
}

/** A line for each key of the boot configuration. */
export function renderBootconfig({ bootconfig = [] }: TreeDiff): string[] {
  return bootconfig.map(({ key, before, after }) => {
    const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
    const show = (values: readonly string[]) => showLine(showBootconfigKey(key, values));
    const old = before && after ? `  (before: ${show(before)})` : '';
    return `${sign} bootconfig ${show(after ?? before ?? [])}${old}`;
  });
}

/** How many entries differ, and whether the boot configuration does. */
export function summarizeDiff({ added, changed, removed, bootconfig }: TreeDiff): string {
  const more = bootconfig === undefined ? '' : ', bootconfig changed';
  return `${added} added, ${changed} changed, ${removed} removed${more}`;
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
