// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { createApplication, createRelease } from './application.js';

test('a secret is found again for an upgrade, its record shows no value, and another value is stale', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const { folder } = application;
  await writeFile(
    join(folder, 'patches/motd/patch.yaml'),
    'title: T\nparameters:\n  token: {description: d, secret: true}\nsteps:\n  - file: {path: etc/t, content: "${token}", stores-secret: true}\n',
  );
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: app\n');
  const file = join(folder, 'token');
  await writeFile(file, 'the first value\n', { mode: 0o600 });
  const quick = ['-q', '--no-verify'];
  const stored = async () => (await application.moby('cat', application.image, 'etc/t')).stdout;

  const applied = await application.moby('apply', '-p', 'motd', '--secret', 'token=file:token', ...quick);
  t.is(applied.code, 0, applied.stderr);
  t.is(await stored(), 'the first value');
  t.is((await application.status()).status, 'patched');
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  const again = await application.moby('reapply', ...quick);
  t.is(again.code, 0, again.stderr);
  t.is(await stored(), 'the first value');

  const state = join(application.state, 'moby-patch');
  for (const item of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!item.isFile() || item.name.endsWith('.img')) continue;
    const path = join(item.parentPath ?? item.path, item.name);
    t.false((await readFile(path)).includes('the first value'), path);
  }

  await writeFile(file, 'another value\n');
  const status = await application.moby('status', '--json', '-p', 'motd', '--secret', 'token=file:token');
  t.like(JSON.parse(status.stdout), {
    status: 'stale',
    reason: 'the secret motd.token is another one since it was applied',
  });
  const without = await application.moby('status', '--json', '-p', 'motd');
  t.is(JSON.parse(without.stdout).status, 'patched', 'nothing is said of a value that is not at hand');
  const changed = await application.moby('apply', '-p', 'motd', '--secret', 'token=file:token', ...quick);
  t.is(changed.code, 0, changed.stderr);
  t.is(await stored(), 'another value');
});
