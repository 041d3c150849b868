import { readFileSync } from 'node:fs';

/**
 * The text of a shell script beside the module that uses it: `readScript(new URL('./name.sh', import.meta.url))`.
 * Directives for shellcheck are left out.
 */
export function readScript(url: URL): string {
  return readFileSync(url, 'utf8').replace(/^\s*# shellcheck .*\n/gm, '');
}

/** The script with variables set behind its first line. A value is any text without NUL. */
export function setVariables(script: string, variables: Readonly<Record<string, string>>): string {
  const [first = '', ...rest] = script.split('\n');
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quoteWord(value)}`);
  return [first, ...assignments, ...rest].join('\n');
}

/** What a POSIX shell reads as one word, exactly this text. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
