import { type Markup, mark } from '../markup.js';

/** `long`: a path or digest that may break anywhere; a text breaks between words only. */
export type Cell = string | number | Markup | { readonly long: string };

/** Undefined without rows. Without `head`, the first cell of each row is its head. */
export function createTable(head: readonly string[], rows: readonly (readonly Cell[])[]): Markup | undefined {
  if (rows.length === 0) return undefined;
  const heads =
    head.length === 0
      ? []
      : mark`<thead><tr>${head.map((name) => mark`<th scope="col">${name}</th>`)}</tr></thead>\n`;
  const body = rows.map(
    (row) =>
      mark`<tr>${row.map((cell, column) => createCell(cell, head.length === 0 && column === 0, head[column]))}</tr>\n`,
  );
  return mark`<div class="scroll"><table>\n${heads}<tbody>\n${body}</tbody>\n</table></div>\n`;
}

function createCell(cell: Cell, isHead: boolean, head = ''): Markup {
  // A narrow screen shows it in front of the value.
  const label = head === '' ? [] : mark` data-label="${head}"`;
  if (typeof cell === 'number') return mark`<td class="number"${label}>${cell}</td>`;
  if (typeof cell === 'object' && 'long' in cell) return mark`<td class="long"${label}>${cell.long}</td>`;
  if (isHead) return mark`<th scope="row">${cell}</th>`;
  return mark`<td${label}>${cell}</td>`;
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
  return mark`<section id="${id}" class="${className}">\n<h2>${title}</h2>\n${content}</section>\n`;
}
