import { showText } from '../format/show-text.js';

/** HTML or XML that is fully escaped. */
export interface Markup {
  readonly markup: string;
}

export type Markable = string | number | Markup | readonly Markup[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // XML turns both into a space in an attribute.
  '\t': '&#9;',
  '\n': '&#10;',
};

/**
 * A template that escapes each value unless its type is Markup, so no text of an image, a patch or a guest can become
 * markup by mistake.
 */
export function mark(parts: TemplateStringsArray, ...values: readonly Markable[]): Markup {
  const markup = parts.map((part, index) => {
    const value = values[index];
    return value === undefined ? part : `${part}${showValue(value)}`;
  });
  return { markup: markup.join('') };
}

/** Escaped lines for a `<pre>` or the content of an element; line breaks stay. */
export function markLines(lines: readonly string[]): Markup {
  return { markup: lines.map((line) => escapeMarkup(line).replaceAll('&#10;', '\n')).join('\n') };
}

/** Text as content or attribute of HTML and XML 1.0, which cannot contain what `showText` shows. */
function escapeMarkup(text: string): string {
  return showText(text).replace(/[&<>"'\t\n]/g, (character) => entities[character] ?? character);
}

function showValue(value: Markable): string {
  if (typeof value === 'string') return escapeMarkup(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}
