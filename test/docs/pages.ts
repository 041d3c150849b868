import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Pages for users, by path from the root. Decisions are read by engineers, and have no commands to try. */
export function listPages(): string[] {
  const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('decisions/'))
    .map((name) => join('docs', name));
  return ['README.md', ...docs.sort()];
}
