import test from 'ava';
import { holdContent } from '#src/patch/language/payload.js';
import { bootconfigStep } from '#src/patch/steps/boot/bootconfig.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';

async function apply(
  before: string | undefined,
  value: unknown,
  payload: Readonly<Record<string, string>> = {},
) {
  const workspace = createMemoryWorkspace();
  workspace.putBootconfig(before);
  const context = {
    payload: new Map(
      Object.entries(payload).map(([name, text]) => [name, holdContent(Buffer.from(text, 'latin1'))]),
    ),
    stamp: 0,
    at: { file: 'patch.yaml', line: 3, column: 5 },
  };
  const outcome = await bootconfigStep.apply(bootconfigStep.schema.parse(value), context as never, workspace);
  return { outcome, text: workspace.bootconfig() };
}

test('a step sets keys, arrays and numbers, and says what it did', async (t) => {
  const { outcome, text } = await apply('# mine\nkernel.panic = 1\n', {
    set: { 'kernel.panic': 10, 'init.arg': ['a', 'b c'] },
  });
  t.is(text, '# mine\nkernel.panic = 10\ninit.arg = a, "b c"\n');
  t.deepEqual(outcome, { changed: true, notes: ['kernel.panic = 10', 'init.arg = a, "b c"'] });
});

test('what is so already is left as it is, byte for byte', async (t) => {
  const before = 'kernel { panic = "10" }\n';
  const { outcome, text } = await apply(before, { set: { 'kernel.panic': 10 }, remove: ['absent'] });
  t.false(outcome.changed);
  t.is(text, before);
});

test('an image without a boot configuration gets one; without keys it has none', async (t) => {
  t.is((await apply(undefined, { set: { a: 'x' } })).text, 'a = x\n');
  t.is((await apply('a = x\n', { remove: ['a'] })).text, undefined);
  t.is((await apply('a = x\n', { from: 'b', remove: ['c'] }, { b: 'b = 1\nc = 2\n' })).text, 'b = 1\n');
});

test('what a kernel would not take is refused, with its line', async (t) => {
  await t.throwsAsync(apply('a = 1\na = 2\n', { set: { b: '1' } }), {
    code: 'bootconfig-unreadable',
    message: /in line 2 of the image's boot configuration: the value of a is redefined/,
  });
  await t.throwsAsync(apply(undefined, { from: 'b' }, { b: 'a = "1\n' }), {
    code: 'bootconfig-unreadable',
    message: /in line 1 of b: no closing quotes/,
  });
  await t.throwsAsync(apply(undefined, { set: { a: Array(40).fill('x'.repeat(1000)) } }), {
    code: 'bootconfig-too-large',
  });
});

test('a value that cannot be written is a mistake of the patch', (t) => {
  for (const value of [
    {},
    { set: { 'a b': '1' } },
    { set: { a: 'é' } },
    { set: { a: `"'` } },
    { set: { a: [] } },
    { remove: ['a..b'] },
  ])
    t.false(bootconfigStep.schema.safeParse(value).success, JSON.stringify(value));
});
