import {
  type Bootconfig,
  type BootconfigProblem,
  type BootconfigStatement,
  parseBootconfig,
} from './bootconfig-parser.js';
import { showBootconfigKey } from './bootconfig-text.js';

/** Whether a value can be written: with one kind of quotes around it. */
export function isBootconfigValue(value: string): boolean {
  return /^[\t\n\x20-\x7e]*$/.test(value) && !(value.includes('"') && value.includes("'"));
}

export function isBootconfigKey(key: string): boolean {
  return key.length < 256 && /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,15}$/.test(key);
}

/**
 * The text with these values of a key, one or an array. The first statement of the key gets them, its others go; a new key
 * comes in a line at the end. The rest of the text stays as it is.
 */
export function setBootconfigKey(text: string, key: string, values: readonly string[]): string {
  const { statements } = parseOrThrow(text);
  const [first, ...others] = statements.filter((statement) => statement.key === key);
  const line = showBootconfigKey('', values).trimStart();
  if (first === undefined) {
    const closed = closeValue(text, statements.at(-1));
    const end = closed === '' || closed.endsWith('\n') ? '' : '\n';
    return `${closed}${end}${key} ${line}\n`;
  }
  const edited = others.toReversed().reduce((rest, statement) => cut(rest, statement), text);
  return `${edited.slice(0, first.start)}${first.written} ${line}${edited.slice(first.end)}`;
}

/** The text without a key and all keys below it; braces that are empty now go too. */
export function removeBootconfigKey(text: string, key: string): string {
  const { statements } = parseOrThrow(text);
  const isGone = (other: string) => other === key || other.startsWith(`${key}.`);
  const gone = statements.filter((statement) => isGone(statement.key));
  let rest = gone.toReversed().reduce((left, statement) => cut(left, statement), text);
  const isAround = (block: string) => isGone(block) || key.startsWith(`${block}.`);
  for (;;) {
    const config = parseOrThrow(rest);
    const empty = config.blocks.find(
      (block) =>
        isAround(block.key) &&
        !config.statements.some(({ start }) => start > block.start && start < block.end),
    );
    if (empty === undefined) return rest;
    rest = cut(rest, empty);
  }
}

/** A kernel takes the next line for the value of `key =`, so an empty value at the end gets quotes. */
function closeValue(text: string, last: BootconfigStatement | undefined): string {
  if (last?.operator === undefined || last.values.at(-1) !== '' || text.slice(last.end).trim() !== '')
    return text;
  return /["']$/.test(text.slice(0, last.end)) ? text : `${text.slice(0, last.end)}""${text.slice(last.end)}`;
}

/** Cuts a part with the `;` behind it, and its line when nothing else is in that. */
function cut(text: string, { start, end }: Pick<BootconfigStatement, 'start' | 'end'>): string {
  const separator = /^[ \t]*;[ \t]*/.exec(text.slice(end))?.[0].length ?? 0;
  const before = text.slice(0, start);
  const after = text.slice(end + separator);
  const isAlone = /(^|\n)[ \t]*$/.test(before) && /^[ \t]*(\n|$)/.test(after);
  return isAlone ? before.replace(/[ \t]*$/, '') + after.replace(/^[ \t]*\n?/, '') : before + after;
}

function parseOrThrow(text: string): Bootconfig {
  if (text.trim() === '') return { statements: [], blocks: [], keys: new Map() };
  const config: Bootconfig | BootconfigProblem = parseBootconfig(text);
  if ('problem' in config) {
    if (config.problem === 'empty bootconfig') return { statements: [], blocks: [], keys: new Map() };
    throw new Error(`an edited bootconfig has the problem: ${config.problem}`);
  }
  return config;
}
