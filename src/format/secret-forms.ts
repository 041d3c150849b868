/** Characters of a secret at least: a shorter one cannot be told from other text, in an image or in a log. */
export const shortestSecret = 8;

/**
 * The texts in which a secret can stand where somebody copied it: itself, escaped for JSON, a URL, a shell or fstab, in
 * hex, and in base64 wherever it begins in what was encoded. None has a line break: they are looked for in what is left
 * when line breaks are taken out.
 */
export function listForms(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    value.replaceAll("'", "'\\''"),
    value.replace(/[ \t\n\\]/g, (match) => `\\${match.charCodeAt(0).toString(8).padStart(3, '0')}`),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((before) => encodeAfter(bytes, before)),
  ];
  const flat = forms.map((form) => form.replace(/[\r\n]/g, ''));
  return [...new Set(flat)].filter((form) => form.length >= shortestSecret);
}

/** The part of a base64 text that no other bytes decide, when `before` bytes come before these; in both alphabets. */
function encodeAfter(bytes: Uint8Array, before: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]);
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((whole.length * 8) / 6);
  const text = whole.toString('base64').slice(first, last);
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
