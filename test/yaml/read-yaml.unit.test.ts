// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import test from 'ava';
import { parsePatch } from '#src/patch/language/parse-patch.js';
import { readYaml } from '#src/yaml/read-yaml.js';

const source = { id: 'x', folder: '/x', file: 'patch.yaml' };
const head = 'title: t\nsteps:\n  - file: {path: x, content: y}\n';

for (const [what, text] of [
  ['lists in lists', '['.repeat(100_000)],
  ['maps in maps', '{a: '.repeat(20_000)],
  ['dashes in a line', '- '.repeat(50_000)],
  ['keys in a line', '? '.repeat(50_000)],
  ['ever deeper lines', Array.from({ length: 500 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
] as const)
  test(`${what} without end are one problem`, (t) => {
    const { value, problems } = readYaml(text, 'f');
    t.is(value, undefined);
    t.is(problems.length, 1);
    t.regex(problems[0]?.text ?? '', /more than 100 levels/);
    t.is(problems[0]?.at.file, 'f');
  });

test('fifty levels are read, and text in a block does not count', (t) => {
  const lists = `${'['.repeat(50)}x${']'.repeat(50)}`;
  const lines = Array.from({ length: 50 }, (_, depth) => `${'  '.repeat(depth)}a:`).join('\n');
  const block = `a: |\n  ${'[{- '.repeat(1000)}\n  ${' '.repeat(1000)}x\n`;
  for (const text of [lists, `${lines} x`, block]) t.deepEqual(readYaml(text, 'f').problems, []);
});

test('too many words are one problem, at the place of the first that is too much', (t) => {
  const { problems } = readYaml('- a\n'.repeat(100_000), 'f');
  t.is(problems.length, 1);
  t.like(problems[0], { at: { line: 75_001 } });
});

test('a key that comes twice is a problem at its second place', (t) => {
  const { problems } = readYaml('a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n', 'f');
  t.deepEqual(
    problems.map(({ at, text }) => `${at.line}:${at.column} ${text}`),
    [
      '3:1 found the key "a" a second time (the first is in line 1), wanted it once',
      '2:17 found the key "c" a second time (the first is in line 2), wanted it once',
    ],
  );
});

test('places are found in a map of any size without going through it for each', (t) => {
  const count = 5_000;
  const { locateKey } = readYaml(Array.from({ length: count }, (_, index) => `k${index}: 1\n`).join(''), 'f');
  // One pass over the map for each key would be twelve million steps.
  for (let index = 0; index < count; index += 1) if (locateKey([`k${index}`]).line !== index + 1) t.fail();
  t.pass();
});

test('of many unknown keys the first are told, and the others counted', (t) => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1\n`).join('');
  const { problems } = parsePatch(head + keys, source);
  const told = problems.filter(({ text }) => /unknown key/.test(text));
  t.is(told.length, 101);
  t.like(told[0], {
    at: { line: 4, column: 1 },
    text: 'unknown key "k0", wanted title, when, uses, conflicts, parameters, steps or expects',
  });
  t.is(
    told.reduce((sum, { count = 1 }) => sum + count, 0),
    1_000,
  );
});

test('of many steps that are wrong the first thousand are told', (t) => {
  const { problems } = parsePatch(`title: t\nsteps:\n${'  - nonsense: 1\n'.repeat(1_100)}`, source);
  t.is(problems.length, 1001);
});

test('a key that JavaScript takes for a part of the map is a problem at its place, wherever it stands', (t) => {
  for (const text of [
    'a: {b: [{__proto__: 1}]}',
    'a: {b: [{"__proto__": {x: 1}}]}',
    "a: {b: [{'__proto__': }]}",
  ]) {
    const { value, problems } = readYaml(text, 'f');
    t.is(value, undefined);
    t.like(problems, { length: 1, 0: { at: { line: 1, column: 10 } } });
    t.regex(problems[0]?.text ?? '', /found the key __proto__, wanted another name/);
  }
});

test('other names of what every object has are names as any', (t) => {
  const { patch, problems } = parsePatch(
    'title: t\nparameters:\n  constructor: {description: d, default: a}\n  toString: {description: d, default: b}\n' +
      'steps:\n  - environment: {constructor: "${constructor}", toString: "${toString}", valueOf: c}\n',
    source,
  );
  t.deepEqual(problems, []);
  t.deepEqual(Object.keys(patch?.parameters ?? {}), ['constructor', 'toString']);
  t.deepEqual(Object.keys(patch?.steps[0]?.value as object), ['constructor', 'toString', 'valueOf']);
  const refused = parsePatch(`${head}  - file: {path: y, content: "\${valueOf}"}\n`, source);
  t.regex(refused.problems[0]?.text ?? '', /wanted a parameter/);
});
