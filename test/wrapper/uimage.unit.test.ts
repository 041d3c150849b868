import test from 'ava';
import { findWrapper } from '#src/wrapper/open-wrapper.js';
import { planPieces } from '#src/wrapper/replace-initrd.js';
import { writePieces } from '#src/wrapper/wrapper-write.js';
import { createMemoryFile } from '../fuzz/memory-file.js';
import { sketchUimage } from './sketches.js';

/** The data of an image of several files: the sizes, and the files, of which all but the last are filled up. */
function joinFiles(...files: readonly string[]): Buffer {
  const sizes = Buffer.alloc(4 * (files.length + 1));
  for (const [index, { length }] of files.entries()) sizes.writeUInt32BE(length, 4 * index);
  const filled = files.map((content, index) =>
    index + 1 < files.length ? content.padEnd(Math.ceil(content.length / 4) * 4, '\0') : content,
  );
  return Buffer.concat([sizes, Buffer.from(filled.join(''))]);
}

async function replace(bytes: Buffer, content: string): Promise<Buffer> {
  const old = createMemoryFile(bytes);
  const wrapper = await findWrapper(old);
  const part = wrapper?.parts.get('ramdisk');
  if (wrapper === undefined || part === undefined) throw new Error('it has a ramdisk');
  const sources = { old, initrd: createMemoryFile(Buffer.from(content)) };
  const { pieces } = await planPieces(wrapper, { ...sources, part });
  const written: Uint8Array[] = [];
  for await (const piece of writePieces(pieces, sources)) written.push(Buffer.from(piece));
  return Buffer.concat(written);
}

test('the ramdisk of a uImage of several files is replaced as mkimage would make it', async (t) => {
  for (const rest of [[], ['tree of devices']])
    for (const content of ['new', 'a longer initrd', 'same.']) {
      const old = Buffer.concat([
        sketchUimage(joinFiles('kernel', 'first', ...rest), 4),
        Buffer.from('behind'),
      ]);
      const wanted = sketchUimage(joinFiles('kernel', content, ...rest), 4);
      t.deepEqual(await replace(old, content), Buffer.concat([wanted, Buffer.from('behind')]));
    }
});

test('the files of a uImage have the names of what bootm takes them for', async (t) => {
  const bytes = sketchUimage(joinFiles('kernel', 'first', 'tree', 'more'), 4);
  const wrapper = await findWrapper(createMemoryFile(bytes));
  const read = (name: string) => {
    const { offset = 0, size = 0 } = wrapper?.parts.get(name) ?? {};
    return bytes.toString('latin1', offset, offset + size);
  };
  t.deepEqual([...(wrapper?.parts.keys() ?? [])].map(read), ['kernel', 'first', 'tree', 'more']);
  t.deepEqual(wrapper?.boots, [{ initrd: 'ramdisk', kernel: 'kernel' }]);
  t.is(await findWrapper(createMemoryFile(sketchUimage(joinFiles('kernel'), 4))), undefined);
});

test('a uImage of several files whose data has another sum, or whose files end past it, is refused', async (t) => {
  const right = sketchUimage(joinFiles('kernel', 'first'), 4);
  const changed = Buffer.from(right);
  changed[right.length - 1] = 0;
  await t.throwsAsync(findWrapper(createMemoryFile(changed)), {
    message: /the data of the uImage has the crc32/,
  });
  const sizes = joinFiles('kernel', 'first');
  sizes.writeUInt32BE(0x7fffffff, 4);
  await t.throwsAsync(findWrapper(createMemoryFile(sketchUimage(sizes, 4))), { message: /the file is cut/ });
});
