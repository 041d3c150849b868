import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { expandStar } from '#src/catalog/expand-star.js';
import { createTestFolder } from '../fixtures/archive.js';

test('a * is the newest version that has its kernel', async (t) => {
  const folder = await createTestFolder(t);
  const names = [
    'initrd.img-6.1.0-9',
    'initrd.img-6.1.0-10',
    'initrd.img-6.1.0-11',
    'initrd.img-6.1.0-12.bak',
  ];
  for (const name of [
    ...names,
    'initrd.img-old',
    'vmlinuz-6.1.0-9',
    'vmlinuz-6.1.0-10',
    'vmlinuz-6.1.0-12.bak',
  ])
    await writeFile(join(folder, name), '');
  const place = (path: string) => join(folder, path);
  const candidate = { generation: 'one', initrd: 'initrd.img-*' };
  const expand = async (kernel?: string) => (await expandStar({ ...candidate, kernel }, place))?.initrd;
  t.is(await expand('vmlinuz-*'), 'initrd.img-6.1.0-10');
  t.is(await expand(), 'initrd.img-6.1.0-11');
  t.deepEqual((await expandStar({ ...candidate, kernel: 'vmlinuz-*' }, place))?.older, [
    'initrd.img-6.1.0-9',
  ]);
  t.is(await expand('missing-*'), undefined);
  t.is((await expandStar({ generation: 'one', initrd: 'initrd.img' }, place))?.initrd, 'initrd.img');
});
