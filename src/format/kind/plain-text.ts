/** How many bytes of a text are examined. */
export const textStart = 4096;

/** The start of a text, for a message; undefined for anything but ASCII text. */
export function quoteText(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, textStart));
  if (!/^[\t\n\r\x20-\x7e]+\0*$/.test(text)) return undefined;
  const letters = text.replace(/\0+$/, '');
  // A few letters in front of zeros are more likely a number.
  return letters.length * 4 < text.length ? undefined : JSON.stringify(letters.slice(0, 40));
}
