import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

/** What only a program of the shell has: a branch, a loop, a function, or a first line with another behind it. */
const shell = new RegExp(
  [
    String.raw`\b(?:if|while|until|for)\b[^'"\`]*; ?(?:then|do)\b`,
    String.raw`; ?(?:fi|done)\b|\besac\b`,
    String.raw`\w\(\) \{`,
    String.raw`#!/\S+(?: -\w+)?\\n(?!\$\{run\})`,
    String.raw`^\s*['"\`]#!/\S+['"\`],$`,
    String.raw`\|\| exit\b(?!\.)`,
    String.raw`\[ -\w [^'"\`]* \]`,
  ].join('|'),
  'm',
);

/** What is no script of ours: why. */
const exceptions: readonly (readonly [file: string, text: string, reason: string])[] = [
  ['patch/system/init/openrc.ts', "'#!/sbin/openrc-run',", 'assignments follow, no commands'],
  ['patch/system/init/script-text.ts', 'quoteWord(folder)} || exit 1', 'one command of a filled file'],
  ['patch/steps/settings/resolver.ts', 'make_resolv_conf() {', 'a hint, for a person to type'],
];

/** Strings alone: comments, methods and regular expressions of TypeScript look like shell now and then. */
function listStrings(text: string): string[] {
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return code
    .split('\n')
    .filter((line) => /['"`]/.test(line))
    .map((line) => line.trim());
}

test('a script that runs in a guest, a container or an image is a file beside its user, where shellcheck sees it', (t) => {
  const found = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((file) =>
      listStrings(readFileSync(join('src', file), 'utf8'))
        .filter((line) => shell.test(line))
        .filter((line) => !exceptions.some(([where, part]) => where === file && line.includes(part)))
        .map((line) => `${file}: ${line}`),
    );
  t.deepEqual(found, []);
});
