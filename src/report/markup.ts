import { showPath } from '../format/path.js';

/** Text of HTML or XML in which nothing is left to be escaped. */
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
  // In an attribute XML reads either as a space.
  '\t': '&#9;',
  '\n': '&#10;',
};

/**
 * A template whose values are escaped unless they are markup already: what comes from an image, a patch or a
 * guest cannot become markup by being forgotten.
 */
export function mark(parts: TemplateStringsArray, ...values: readonly Markable[]): Markup {
  const markup = parts.map((part, index) => {
    const value = values[index];
    return value === undefined ? part : `${part}${showValue(value)}`;
  });
  return { markup: markup.join('') };
}

/** Lines of text as they are, for a `<pre>` or an element's content; a break stays a break. */
export function markLines(lines: readonly string[]): Markup {
  return { markup: lines.map((line) => escapeMarkup(line).replaceAll('&#10;', '\n')).join('\n') };
}

/**
 * A text as content or attribute of HTML and XML 1.0. Characters that XML cannot hold, and those that nobody
 * sees or that turn the direction of what follows, are shown by their number: `\x1b`, `\u{202e}`.
 */
export function escapeMarkup(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
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
