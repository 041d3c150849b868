/** As a kernel reads it back: without quotes where nothing in it needs them. */
function showBootconfigValue(value: string): string {
  if (/^[A-Za-z0-9_./@%-]+$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** As /proc/bootconfig has it, without quotes that are not needed. */
export function showBootconfigKey(key: string, values: readonly string[]): string {
  return values.length === 0 ? key : `${key} = ${values.map(showBootconfigValue).join(', ')}`;
}

/** The line of a character, counted from 1. */
export function lineOfBootconfig(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}
