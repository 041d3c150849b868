/** Names of crontab(5), and the fields that mean the same. */
export const usualSchedules: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Three letters each, the first of them for `first`. */
  readonly words?: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', first: 0, last: 59 },
  { name: 'hour', first: 0, last: 23 },
  { name: 'day', first: 1, last: 31 },
  {
    name: 'month',
    first: 1,
    last: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'weekday', first: 0, last: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/** What is wrong with a schedule; undefined for a good one. */
export function explainSchedule(text: string): string | undefined {
  if (text.startsWith('@')) {
    const known = [...usualSchedules.keys(), '@reboot'];
    return known.includes(text)
      ? undefined
      : `found ${JSON.stringify(text)}, wanted one of ${known.join(', ')}`;
  }
  const parts = text.split(/[ \t]+/);
  if (parts.length !== fields.length)
    return `found ${parts.length} fields in ${JSON.stringify(text)}, wanted five: minute, hour, day, month and weekday`;
  for (const [index, field] of fields.entries()) {
    const part = parts[index] ?? '';
    if (!part.split(',').every((item) => isItem(item, field)))
      return `found ${JSON.stringify(part)} as the ${field.name}, wanted *, a number from ${field.first} to ${field.last}, a range such as ${field.first}-${field.last}, or a list of them, each with a step such as /2`;
  }
  return undefined;
}

function isItem(item: string, field: Field): boolean {
  const [, start = '', end, step] = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(item) ?? [];
  if (step !== undefined && Number(step) < 1) return false;
  if (start === '*') return end === undefined;
  const from = readNumber(start, field);
  if (from === undefined) return false;
  // A step belongs to a range: 5/15 is an error in cron.
  if (end === undefined) return step === undefined;
  const to = readNumber(end, field);
  return to !== undefined && from <= to;
}

function readNumber(text: string, { first, last, words = [] }: Field): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  const number = word >= 0 ? first + word : /^\d{1,2}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && number >= first && number <= last ? number : undefined;
}
