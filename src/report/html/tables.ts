import { type Markup, mark } from '../markup.js';

/** `long`: a path or digest that may break anywhere; a text breaks between words only. */
export type Cell = string | number | Markup | { readonly long: string };

/** `plain`: its values need no label on a narrow screen; `unseen`: only a screen reader says it. */
export type Head = string | { readonly plain: string } | { readonly unseen: string };

export interface Table {
  /** For a screen reader. */
  readonly name: string;
  /** Empty: the first cell of each row is its head. */
  readonly head: readonly Head[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Undefined without rows. */
export function createTable({ name, head, rows }: Table): Markup | undefined {
  if (rows.length === 0) return undefined;
  const heads = head.length === 0 ? [] : mark`<thead><tr>${head.map(createHeads(rows))}</tr></thead>\n`;
  const body = rows.map(
    (row) =>
      mark`<tr>${row.map((cell, column) => createCell(cell, head.length === 0 && column === 0, head[column]))}</tr>\n`,
  );
  return mark`<div class="scroll"><table aria-label="${name}">\n${heads}<tbody>\n${body}</tbody>\n</table></div>\n`;
}

function createHeads(rows: Table['rows']): (head: Head, column: number) => Markup {
  return (head, column) => {
    const className = rows.some((row) => typeof row[column] === 'number') ? mark` class="number"` : [];
    if (typeof head === 'string') return mark`<th scope="col"${className}>${head}</th>`;
    if ('plain' in head) return mark`<th scope="col"${className}>${head.plain}</th>`;
    return mark`<th scope="col"><span class="unseen">${head.unseen}</span></th>`;
  };
}

function createCell(cell: Cell, isHead: boolean, head: Head = ''): Markup {
  // A narrow screen shows it in front of the value.
  const label = typeof head !== 'string' || head === '' ? [] : mark` data-label="${head}"`;
  // The line end lets a narrow screen, where cells are words of a line, break between them.
  if (typeof cell === 'number') return mark`<td class="number"${label}>${cell}</td>\n`;
  if (typeof cell === 'object' && 'long' in cell) return mark`<td class="long"${label}>${cell.long}</td>\n`;
  const content = typeof cell === 'string' ? createBreaks(cell) : cell;
  if (isHead) return mark`<th scope="row">${content}</th>\n`;
  return mark`<td${label}>${content}</td>\n`;
}

const symbols = { passed: '✔', failed: '✘', error: '!', skipped: '–' } as const;

/** A result, with a sign for those who see no colours. */
export function showResult(result: keyof typeof symbols, text: string = result): Markup {
  return mark`<span class="${result}">${symbols[result]} ${text}</span>`;
}

/** A longer word makes its column wider than the screen. */
const longestWord = 24;
/** The narrowest screens show so many characters. */
const longestPart = 32;

/**
 * A text in which a long word, such as a path or a setting, may break behind the signs in it, and nowhere else: behind those that
 * separate settings and folders, and within a part that is still too long, behind those of a name.
 */
export function createBreaks(text: string): Markup {
  const words = text.split(/(\s+)/).map((word) => {
    // A browser breaks behind each hyphen, in an option or an expression, too.
    if (word.length <= longestWord) return word.includes('-') ? mark`<span>${word}</span>` : mark`${word}`;
    const pieces = splitWord(word);
    return mark`${pieces.map((piece, index) => (index === 0 ? mark`${piece}` : mark`<wbr />${piece}`))}`;
  });
  return mark`${words}`;
}

function splitWord(word: string): string[] {
  return word
    .split(/(?<=[/=,;:])(?=[^/=,;:])/)
    .flatMap((part) => (part.length <= longestPart ? [part] : part.split(/(?<=[._-])(?=[^._-])/)));
}

export interface Section {
  /** Of its heading, for links within the page. */
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
  readonly className?: string | undefined;
}

/** A part of the page; none without content. */
export function createSection(
  title: string,
  contents: readonly (Markup | undefined)[],
  className?: string,
): Section[] {
  const known = contents.flatMap((content) => content ?? []);
  if (known.length === 0) return [];
  const id = title.toLowerCase().replace(/[^a-z]+/g, '-');
  return [{ id, title, content: mark`${known}`, className }];
}

export function renderSection({ id, title, content, className = '' }: Section): Markup {
  return mark`<section id="${id}" class="${className}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${content}</section>\n`;
}
