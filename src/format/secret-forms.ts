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
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value);
  const strictUrl = url.replace(/[!'()*]/g, (match) => `%${match.charCodeAt(0).toString(16).toUpperCase()}`);
  const urls = [url, strictUrl].flatMap((each) => [each, each.replace(/%[\dA-F]{2}/g, toLowerCase)]);
  const forms = [
    value,
    // PHP escapes the slash, Python what is not ASCII.
    ...[json, json.replaceAll('/', '\\/')].flatMap((each) => [each, escapeUnits(each)]),
    ...urls.flatMap((each) => [each, each.replaceAll('%20', '+')]),
    value.replaceAll("'", "'\\''"),
    value.replace(/["$\\`]/g, '\\$&'),
    // As `printf %q` of bash, and without its backslash before what needs none.
    value.replace(/[^\w/.,:=@%+\-\u0080-\uffff]/g, '\\$&'),
    value.replace(/[ \t\n\\]/g, (match) => `\\${match.charCodeAt(0).toString(8).padStart(3, '0')}`),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((before) => encodeAfter(bytes, before)),
  ];
  const flat = forms.map((form) => form.replace(/[\r\n]/g, ''));
  return [...new Set(flat)].filter((form) => form.length >= shortestSecret);
}

const toLowerCase = (text: string) => text.toLowerCase();

function escapeUnits(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The part of a base64 text that no other bytes decide, when `before` bytes come before these; in both alphabets. */
function encodeAfter(bytes: Uint8Array, before: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]);
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((whole.length * 8) / 6);
  const text = whole.toString('base64').slice(first, last);
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
}
