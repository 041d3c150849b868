/** Characters of a text in the one line about a step. */
const longest = 60;

/** A text in one line, cut where it is long. */
export function shortenText(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > longest ? `${line.slice(0, longest - 3)}...` : line;
}

export function quoteText(text: string): string {
  return `"${shortenText(text)}"`;
}
