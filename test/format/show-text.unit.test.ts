import test from 'ava';
import { showPath } from '#src/format/path.js';
import { formatJson, showLine, showText } from '#src/format/show-text.js';

const hostile = 'a\x1b[2J\x07\r\x7f\x9b31m\u202eb\u2066\u200e\u061c\u200b\u2028\ufeff\u{e0041}\udc80';

test('what a terminal obeys, and what turns or hides the text around it, is shown by its number', (t) => {
  t.is(
    showText(hostile),
    'a\\x1b[2J\\x07\\x0d\\x7f\\u{9b}31m\\u{202e}b\\u{2066}\\u{200e}\\u{61c}\\u{200b}\\u{2028}\\u{feff}\\u{e0041}\\x80',
  );
  t.is(showText('Grüße\n\t日本 👩\u200d💻 C:\\x1b'), 'Grüße\n\t日本 👩\u200d💻 C:\\x1b');
  t.is(showLine('a\nb\tc'), 'a\\nb\\tc');
  t.is(showPath('a\\b\n\u202e'), 'a\\\\b\\x0a\\u{202e}');
});

test('JSON is the same value, and nothing in it reaches a terminal', (t) => {
  const value = { [hostile]: [hostile, 1, null] };
  const text = formatJson(value);
  t.deepEqual(JSON.parse(text), value);
  t.regex(text, /^[\n\x20-\x7e]*$/);
});
