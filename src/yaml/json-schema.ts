/** The text of a file in schema/: as the formatter of this project has it, with a list of plain values on one line. */
export function formatJsonSchema(schema: unknown): string {
  const lists = /\[\s*((?:"[^"]*"|[0-9]+)(?:,\s*(?:"[^"]*"|[0-9]+))*)\s*\]/g;
  const text = JSON.stringify(schema, null, 2);
  return `${text.replace(lists, (_, items: string) => `[${items.replace(/,\s+/g, ', ')}]`)}\n`;
}
