/** Lines as a code block of Markdown. A name from an image must not close it. */
export function fence(lines: readonly string[]): string[] {
  return ['```', ...lines.map((line) => line.replaceAll('```', "'''")), '```'];
}
