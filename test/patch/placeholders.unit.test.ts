// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test from 'ava';
import fc from 'fast-check';
import { fillPlaceholders, findPlaceholders } from '#src/patch/language/placeholders.js';

test('any text can be escaped', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('$', '{', '}', 'a', '${', '$${', '\\')), (parts) => {
      const text = parts.join('');
      const written = text.replaceAll('${', () => '$${');
      return fillPlaceholders(written, new Map([['a', 'wrong']])) === text;
    }),
  );
  t.pass();
});

test('names and escapes are read, and everything else is malformed', (t) => {
  t.deepEqual(findPlaceholders('${a} $${b} ${c-d} ${e:-f} ${'), {
    names: ['a', 'c-d'],
    malformed: ['${e:-f}', '${'],
  });
  t.is(fillPlaceholders('${a}$${a}${b}', new Map([['a', '$1${b}']])), '$1${b}${a}${b}');
});
