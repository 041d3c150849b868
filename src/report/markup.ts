import { showPath } from '../format/path.js';

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

/**
 * Text as content or attribute of HTML and XML 1.0. Characters that XML cannot contain, invisible ones, and those that
 * change the direction of what follows are shown by their number: `\x1b`, `\u{202e}`.
 */
function escapeMarkup(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
    /[&<>"'\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]|[\ud800-\udfff]/gu,
    (character) => entities[character] ?? showCharacter(character),
  );
}

function showCharacter(character: string): string {
  const shown = showPath(character);
  return shown === character ? `\\u{${character.charCodeAt(0).toString(16)}}` : shown;
}

function showValue(value: Markable): string {
  if (typeof value === 'string') return escapeMarkup(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}
