import { createHash } from 'node:crypto';

/** JSON with sorted keys and no white space: equal values give equal texts. `undefined` members are left out. */
export function formatCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => formatCanonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${formatCanonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** The hex SHA-256 of a value's canonical JSON. */
export function hashValue(value: unknown): string {
  return createHash('sha256').update(formatCanonicalJson(value)).digest('hex');
}
