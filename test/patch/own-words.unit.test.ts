import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { problemCodes } from '#src/yaml/problem-code.js';
import { readYaml } from '#src/yaml/read-yaml.js';
import { explainIssues } from '#src/yaml/schema-issues.js';
import { createKeyFinder } from '#src/yaml/schema-keys.js';

// Nothing that a user reads comes from a library: its words name types of a programming language.

const foreign =
  /Invalid|Too (big|small)|Unrecognized|Required|expected|nonoptional|undefined|NaN|\[object|Implicit|Nested mapping|Unresolved|Flow (map|sequence)|Plain value|YAML\.parse/;

const wrong: readonly (readonly [z.ZodType, unknown])[] = [
  ...[
    z.string(),
    z.number(),
    z.int(),
    z.boolean(),
    z.array(z.string()),
    z.record(z.string(), z.int()),
  ].flatMap((schema) => [[], {}, 'x', 1.5, true, null, undefined].map((value) => [schema, value] as const)),
  [z.int(), 2 ** 60],
  [z.string().min(1), ''],
  [z.string().min(3), 'ab'],
  [z.string().max(1), 'ab'],
  [z.string().length(3), 'ab'],
  [z.array(z.int()).min(1), []],
  [z.array(z.int()).min(2), [1]],
  [z.array(z.int()).max(1), [1, 2]],
  [z.number().gt(3), 3],
  [z.number().lt(3), 3],
  [z.int().min(3).max(9), 1],
  [z.number().multipleOf(4), 3],
  [z.enum(['one', 'two']), 'oen'],
  [z.literal(3), 4],
  [z.string().regex(/^a/), 'b'],
  [z.string().startsWith('a'), 'b'],
  [z.string().endsWith('a'), 'b'],
  [z.string().includes('a'), 'b'],
  [z.email(), 'b'],
  [z.url(), 'b'],
  [z.uuid(), 'b'],
  [z.strictObject({ a: z.int() }), { b: 1 }],
  [z.union([z.string(), z.int()]), []],
  [z.union([z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() })]), { c: 1 }],
  [z.union([z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() })]), { b: 'x' }],
  [z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]), { k: 'b' }],
  [z.record(z.string().regex(/^a/), z.int()), { b: 1 }],
  [z.record(z.enum(['a']), z.int()), { b: 1 }],
  [z.map(z.string(), z.int()), new Map([['a', 'x']])],
  [z.set(z.int()).min(1), new Set()],
  [z.string().refine(() => false), 'x'],
  [z.tuple([z.int()]), ['x']],
  [z.never(), 1],
];

test('every kind of issue that a schema finds has words of our own', (t) => {
  const seen = new Set<string>();
  for (const [schema, value] of wrong) {
    const result = schema.safeParse(value);
    if (result.success) continue;
    for (const issue of result.error.issues) seen.add(issue.code);
    for (const { text, code } of explainIssues(result.error.issues, value, createKeyFinder(schema))) {
      t.notRegex(text, foreign);
      t.regex(text, /wanted|more/);
      t.true(Object.hasOwn(problemCodes, code));
    }
  }
  // What no value that came out of YAML can give: keys of a Map that are no texts.
  const unreachable = ['invalid_element'];
  const codes = Object.values(z.ZodIssueCode).filter((code) => !unreachable.includes(code));
  t.deepEqual(
    codes.filter((code) => !seen.has(code)),
    [],
  );
});

const texts = [
  'a: 1\n b: 2',
  'a: [1',
  'a: "x',
  '\ta: 1',
  'a: b: c',
  '%FOO\n---\na',
  '--- a\n--- b',
  'a: &x &y 1',
  'a: !!foo 1',
  'a: @x',
  '- a\nb: 1',
  'a: "\\q"',
  '? [a]: b\nx',
  'a: *b',
  'a: &b *c',
  'a: |x\n  b',
  'a: {- b}',
  '"a\nb": 1',
  'a: !!map [1]',
  `${'k'.repeat(1100)}: 1`,
  'a:\n  b: 1\n c: 2',
  'a: !!x !!y 1',
];

test('every fault of the syntax has words of our own', (t) => {
  for (const text of texts) {
    const { problems } = readYaml(text, 'f');
    t.not(problems.length, 0, text);
    for (const problem of problems) t.notRegex(`${problem.text} ${problem.hint ?? ''}`, foreign, text);
  }
  const known = readFileSync('dist/yaml/syntax.js', 'utf8');
  const declared = readFileSync('node_modules/yaml/dist/errors.d.ts', 'utf8');
  const codes = [...(/type ErrorCode = ([^;]+);/.exec(declared)?.[1] ?? '').matchAll(/'(\w+)'/g)];
  t.true(codes.length > 20);
  for (const [, code] of codes) t.true(known.includes(`${code}:`), code);
  t.is(parseDocument('a: 1').errors.length, 0);
});

test('every code of a problem says what it stands for and what to do', (t) => {
  const page = readFileSync('docs/patches.md', 'utf8');
  for (const [code, { title, hint }] of Object.entries(problemCodes)) {
    t.true(title.length > 10 && hint.length > 10, code);
    t.true(page.includes(`\`${code}\``), code);
  }
});
