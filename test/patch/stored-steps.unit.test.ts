import test from 'ava';
import type { Step } from '#src/model/patch/patch.js';
import { parseHead } from '#src/patch/stored-head.js';

// What is kept of the steps of an earlier build is the work of another process: a head that is of another form, or of other
// steps, is none.

const step = { patch: 'p', kind: 'run', summary: 'run x' };
const report = { ...step, changed: true, cached: false, notes: ['n'], packages: { a: '1' }, durationMs: 1 };
const entry = { path: 'a/b', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1, size: 5 };
const put = { op: 'put', entry, at: 0 };
const head = {
  steps: [report],
  warnings: ['w'],
  bootconfig: 'a = b',
  changes: [put, { op: 'remove', path: 'c' }],
};
const known = { steps: [step as Step], bodies: 5 };

test('a head is read as it was written', (t) => {
  t.deepEqual(parseHead(JSON.stringify(head), known), head as never);
  t.truthy(parseHead(JSON.stringify({ ...head, bootconfig: undefined, changes: [] }), known));
});

const putOf = (fields: object) => ({ ...head, changes: [{ ...put, entry: { ...entry, ...fields } }] });

const wrong: readonly (readonly [string, unknown])[] = [
  ...[null, [], 1, 'x', {}].map((value) => [JSON.stringify(value), value] as const),
  ['the prototype', JSON.parse(`{"__proto__": ${JSON.stringify(head)}}`)],
  ['no steps', { ...head, steps: [] }],
  ['more steps', { ...head, steps: [report, report] }],
  ['other steps', { ...head, steps: [{ ...report, summary: 'run y' }] }],
  ['a step of no patch', { ...head, steps: [null] }],
  ['notes that are a text', { ...head, steps: [{ ...report, notes: 'n' }] }],
  ['packages with numbers', { ...head, steps: [{ ...report, packages: { a: 1 } }] }],
  ['warnings that are none', { ...head, warnings: [{}] }],
  ['a number in the place of a boot configuration', { ...head, bootconfig: 5 }],
  ['another kind of change', { ...head, changes: [{ op: 'zap', path: 'a' }] }],
  ['changes that are a text', { ...head, changes: 'x' }],
  ...['', '..', 'a/../b', '/a', 'a/', 'a//b', './a', 'a\0', null, 5].map(
    (path) =>
      [`the removal of ${JSON.stringify(path)}`, { ...head, changes: [{ op: 'remove', path }] }] as const,
  ),
  ...['', '../x', '/x', 5].map((path) => [`a file at ${JSON.stringify(path)}`, putOf({ path })] as const),
  ['no entry', { ...head, changes: [{ op: 'put', at: 0 }] }],
  ['another type', putOf({ type: 'constructor' })],
  ['a size that is not there', putOf({ size: 6 })],
  ['a size below nothing', putOf({ size: -5 })],
  ['a size beyond newc', { ...putOf({ type: 'directory', size: 2 ** 50 }) }],
  ['a body before the first', { ...head, changes: [{ ...put, at: -1 }] }],
  ['a body behind the last', { ...head, changes: [{ ...put, at: 1 }] }],
  ['a mode that is a text', putOf({ mode: '0644' })],
  ['a symlink without a target', putOf({ type: 'symlink' })],
  ['a file with a target', putOf({ target: 'x' })],
];

for (const [name, value] of wrong)
  test(`a head with ${name} is none`, (t) => {
    t.is(parseHead(JSON.stringify(value), known), undefined);
  });
