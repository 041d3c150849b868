import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { readKernelConfig } from '#src/verify/hazards/kernel-config.js';
import { createTestFolder } from '../../fixtures/archive.js';

/** A bzImage with the fields that lead to its payload. */
function createKernel(payload: Buffer): Buffer {
  const setup = Buffer.alloc(2 * 512);
  setup[0x1f1] = 1;
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(16, 0x90), payload, Buffer.alloc(100, 0xcc)]);
}

test('the configuration of a kernel is read as a text, packed, from inside the kernel and from beside it', async (t) => {
  const folder = await createTestFolder(t);
  const text = '# Linux/x86 6.1\nCONFIG_RD_GZIP=y\n# CONFIG_RD_XZ is not set\nCONFIG_HZ=250\n';
  const inside = Buffer.concat([
    Buffer.alloc(700_000, 1),
    Buffer.from('IKCFG_ST'),
    gzipSync(text),
    Buffer.from('IKCFG_ED'),
  ]);
  const files: [string, Buffer][] = [
    ['config-6.1', Buffer.from(text)],
    ['config.gz', gzipSync(text)],
    ['Image', inside],
    ['bzImage', createKernel(gzipSync(inside))],
    ['vmlinuz-6.1', createKernel(gzipSync(Buffer.alloc(1000, 1)))],
  ];
  for (const [name, bytes] of files) {
    await writeFile(join(folder, name), bytes);
    const config = await readKernelConfig(join(folder, name));
    t.deepEqual(
      [...(config ?? [])],
      [
        ['CONFIG_RD_GZIP', 'y'],
        ['CONFIG_HZ', '250'],
      ],
      name,
    );
  }
  await writeFile(join(folder, 'vmlinuz'), createKernel(gzipSync(Buffer.alloc(1000, 1))));
  t.is(await readKernelConfig(join(folder, 'vmlinuz')), undefined);
});
