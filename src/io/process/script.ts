import { readFileSync } from 'node:fs';

/**
 * The text of a shell script beside the module that uses it: `readScript(new URL('./name.sh', import.meta.url))`.
 * Directives for shellcheck are left out.
 */
export function readScript(url: URL): string {
  return readFileSync(url, 'utf8').replace(/^[ \t]*# shellcheck .*\n/gm, '');
}

/**
 * The script, without the line break at its end, with each placeholder `@name@` replaced by its value. A placeholder
 * that stands alone in its line and has no text takes the line with it. The values stand in the script itself: quote
 * what is a word. For a file that becomes part of an image.
 */
export function fillScript(url: URL, values: Readonly<Record<string, string>>): string {
  const filled = readScript(url).replace(/^@(\w+)@\n|@(\w+)@/gm, (text, line?: string, word?: string) => {
    const value = values[line ?? word ?? ''] ?? text;
    if (line === undefined || value === text) return value;
    return value === '' ? '' : `${value}\n`;
  });
  return filled.replace(/\n$/, '');
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
