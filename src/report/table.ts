/** Columns padded to their widest cell; those listed in `right` are numbers. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  // Not Math.max(...): a call takes only so many arguments, and an image may have a million rows.
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
