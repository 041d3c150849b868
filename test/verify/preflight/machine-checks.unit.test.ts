import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { listMachineChecks } from '#src/verify/preflight/machine-checks.js';
import { createArchive, directory, file, gzip, openBytes } from '../../fixtures/archive.js';
import { createFolder } from '../../patch/support/patch-folder.js';

const boot = { cmdline: '', timeout: 1, network: 'none', expects: [] } as const;
const archive = createArchive([directory('bin'), file('data', 'x'.repeat(9 * 2 ** 20))]);

test('a machine without the memory or the codec is told before the boot', async (t) => {
  const folder = await createFolder(t, { 'vmlinuz-6': '', 'config-6': 'CONFIG_RD_XZ=y\n', 'vmlinuz-7': '' });
  const image = await openBytes(t, gzip(archive));
  const look = (name: string, memory: number | undefined) =>
    Promise.all(
      listMachineChecks(image, { ...boot, kernel: join(folder, name), memory }).map(({ look }) => look()),
    );
  await t.throwsAsync(look('vmlinuz-6', undefined), { code: 'boot-impossible', message: /CONFIG_RD_GZIP/ });
  await t.throwsAsync(look('vmlinuz-7', 16), { code: 'boot-impossible', message: /16 MiB, the image needs/ });
  t.deepEqual(await look('vmlinuz-7', undefined), [undefined]);
  await writeFile(join(folder, 'config-6'), 'CONFIG_RD_GZIP=y\n');
  t.deepEqual(await look('vmlinuz-6', 512), ['its memory is enough, and its kernel knows the codecs']);
});
