import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { chooseCandidate } from '#src/catalog/candidates.js';
import { createTestFolder } from '../fixtures/archive.js';

const files = [
  'initrd.img-6.1.0-9',
  'initrd.img-6.1.0-10',
  'initrd.img-6.1.0-11',
  'initrd.img-6.1.0-12.bak',
  'initrd.img-old',
  'vmlinuz-6.1.0-9',
  'vmlinuz-6.1.0-10',
  'vmlinuz-6.1.0-12.bak',
];

async function setUp(t: ExecutionContext) {
  const folder = await createTestFolder(t);
  for (const name of files) await writeFile(join(folder, name), '');
  return (initrd: string, kernel?: string) =>
    chooseCandidate(
      {
        title: 'Some images',
        tried: true,
        cmdline: '',
        expect: [],
        candidates: [{ generation: 'one', initrd, kernel }],
      },
      { name: 'some', place: (path) => join(folder, path) },
    );
}

test('a * stands for the newest version whose kernel exists', async (t) => {
  const choose = await setUp(t);
  const chosen = await choose('initrd.img-*', 'vmlinuz-*');
  t.is(chosen.initrd, 'initrd.img-6.1.0-10');
  t.is(chosen.kernel, 'vmlinuz-6.1.0-10');
  t.deepEqual(chosen.older, ['initrd.img-6.1.0-9']);
  t.is((await choose('initrd.img-*')).initrd, 'initrd.img-6.1.0-11');
  const missing = await t.throwsAsync(choose('initrd.img-*', 'missing-*'), { code: 'image-not-installed' });
  t.is(missing.message, 'found no image of this definition (Some images); looked for initrd.img-*');
});

test('a name without a * is the image itself, and an upgrade does not change it', async (t) => {
  const choose = await setUp(t);
  const { initrd, older } = await choose('initrd.img-old');
  t.deepEqual([initrd, older], ['initrd.img-old', undefined]);
  await t.throwsAsync(choose('initrd.img'), { code: 'image-not-installed' });
});
