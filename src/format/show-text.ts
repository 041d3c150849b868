/**
 * What a terminal obeys, or what changes or hides the text around it: controls but line break and tab, marks of
 * direction (Unicode Annex 9), characters without width, separators of lines and paragraphs, tags. The two joiners stay: scripts and
 * emoji need them. A lone surrogate stands for a byte that is not text (`decodePath`), or for nothing.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** Text for people, of any source: what would be obeyed or not seen is shown, as `\x1b` or `\u{202e}`. */
export function showText(text: string): string {
  return text.replace(hidden, showCharacter);
}

/** The same for what must not begin a line of its own: a line break and a tab are shown too. */
export function showLine(text: string): string {
  return showText(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** `\xNN` for an ASCII character and for a byte that is not text, `\u{...}` for all else. */
export function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const isByte = code < 0x80 || (code >= 0xdc80 && code <= 0xdcff);
  return isByte ? `\\x${(code & 0xff).toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** A value as JSON with line breaks, all in it that a terminal would obey as JSON's own `\uNNNN`. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(hidden, (character) =>
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
