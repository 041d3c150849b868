import { readFileSync } from 'node:fs';

/** The text of a shell script beside the module that runs it: `readScript(new URL('./name.sh', import.meta.url))`. */
export function readScript(url: URL): string {
  return readFileSync(url, 'utf8');
}

/** A word that a POSIX shell reads as exactly this text, which must not contain NUL. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
