import { showCharacter, showText } from './show-text.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The bytes of a file name as a string that encodes to the same bytes. A kernel allows any byte but NUL and `/`; a byte
 * that is not part of valid UTF-8 becomes U+DC00 + byte (Python's "surrogateescape", PEP 383).
 */
export function decodePath(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

/** The inverse of `decodePath`. */
export function encodePath(path: string): Uint8Array {
  return hasEscapes(path) ? encodeEscaped(path) : encoder.encode(path);
}

/** Whether a path has bytes that are not UTF-8. */
export function hasEscapes(path: string): boolean {
  return /[\udc80-\udcff]/u.test(path);
}

/**
 * A path for people: control characters and bytes that are not text become `\xNN`, what is not seen or turns the
 * text around `\u{NNNN}`, a backslash `\\`.
 */
export function showPath(path: string): string {
  return showText(
    path.replace(/[\\\t\n]/g, (character) => (character === '\\' ? '\\\\' : showCharacter(character))),
  );
}

/** The path that `showPath` shows like this; a backslash that begins none of its notations stands for itself. */
export function parseShownPath(shown: string): string {
  const parts = shown.split(/(\\\\|\\x[0-9a-f]{2}|\\u\{[0-9a-f]{1,6}\})/i).map((part, index) => {
    if (index % 2 === 0) return encodePath(part);
    if (part === '\\\\') return encodePath('\\');
    const code = Number.parseInt(part.replace(/[^0-9a-f]/gi, ''), 16);
    if (part[1] === 'x') return Uint8Array.of(code);
    return encodePath(code <= 0x10ffff ? String.fromCodePoint(code) : part);
  });
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return decodePath(bytes);
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
}

function encodeEscaped(path: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of path) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code & 0xff);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}
