import { type Markup, mark } from './markup.js';

export type Cell = string | number | Markup;

/** A table; undefined without rows. Without `head` the first cell of a row names it. */
export function createTable(head: readonly string[], rows: readonly (readonly Cell[])[]): Markup | undefined {
  if (rows.length === 0) return undefined;
  const heads =
    head.length === 0
      ? []
      : mark`<thead><tr>${head.map((name) => mark`<th scope="col">${name}</th>`)}</tr></thead>\n`;
  const body = rows.map(
    (row) =>
      mark`<tr>${row.map((cell, column) => createCell(cell, head.length === 0 && column === 0))}</tr>\n`,
  );
  return mark`<table>\n${heads}<tbody>\n${body}</tbody>\n</table>\n`;
}

function createCell(cell: Cell, isHead: boolean): Markup {
  if (isHead) return mark`<th scope="row">${cell}</th>`;
  if (typeof cell === 'number') return mark`<td class="number">${cell}</td>`;
  return mark`<td>${cell}</td>`;
}

export function createList(texts: readonly string[]): Markup | undefined {
  return texts.length === 0 ? undefined : mark`<ul>\n${texts.map((text) => mark`<li>${text}</li>\n`)}</ul>\n`;
}

/** A part of the page under a title of its own; nothing where there is no content. */
export function createSection(title: string, content: Markup | undefined): Markup[] {
  return content === undefined ? [] : [mark`<h2>${title}</h2>\n${content}`];
}
