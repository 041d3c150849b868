import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const source = new URL('../../src/', import.meta.url).pathname;
const multiline = /\/\^\(?\\s[*+][^\n/]*(?:\\\/[^\n/]*)*\/[a-z]*m[a-z]*\b/;

/** With the flag m it begins anew at each line and runs over all empty ones behind it: a minute for 100 KB of line breaks. */
test('no pattern for each line of a text begins with white space that may be line breaks', (t) => {
  t.regex(String.raw`text.match(/^\s*a\/b/gm)`, multiline);
  t.notRegex(String.raw`line.match(/^\s*a\/b/g)`, multiline);
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' });
  const found = names.filter(
    (name) => name.endsWith('.ts') && multiline.test(readFileSync(join(source, name), 'utf8')),
  );
  t.deepEqual(found, []);
});
