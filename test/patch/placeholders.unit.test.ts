// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test from 'ava';
import fc from 'fast-check';
import { parsePatch } from '#src/patch/language/parse-patch.js';
import { fillPlaceholders, findPlaceholders } from '#src/patch/language/placeholders.js';
import { createPlan } from '#src/patch/plan.js';

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
    changed: [],
    malformed: ['${e:-f}', '${'],
  });
  t.is(fillPlaceholders('${a}$${a}${b}', new Map([['a', '$1${b}']])), '$1${b}${a}${b}');
});

const source = { id: 'p', folder: '/nowhere', file: 'patch.yaml' };
const five = '${a}'.repeat(5000);
const head = (more = '') => `title: t\nparameters: {a: {description: d${more}}}\nsteps:\n`;

for (const [where, steps] of [
  ['in steps', `  - file: {path: etc/f, content: "${'${a}'.repeat(1000)}"}\n`.repeat(5)],
  ['in an expectation', `  - noop: x\nexpects:\n  - {file: x, content: "${five}"}\n`],
])
  test(`placeholders ${where} that would make gigabytes are one problem`, async (t) => {
    const value = 'x'.repeat(4096);
    const { patch } = parsePatch(head() + steps, source);
    if (patch === undefined) return t.fail();
    await t.throwsAsync(createPlan({ patches: [patch], settings: { a: value }, image: 'image', stamp: 0 }), {
      code: 'patch-invalid',
      message:
        /patch.yaml:\d+:5: found placeholders whose values add \d+ characters to the patch, wanted at most/,
    });
    await t.notThrowsAsync(
      createPlan({ patches: [patch], settings: { a: 'x'.repeat(100) }, image: 'image', stamp: 0 }),
    );
  });

test('so are defaults', (t) => {
  const text = `${head(`, default: ${'x'.repeat(4096)}`)}  - file: {path: etc/f, content: "${five}"}\n`;
  const { problems } = parsePatch(text, source);
  t.is(problems.length, 1);
  t.regex(problems[0]?.text ?? '', /found placeholders whose values add/);
});
