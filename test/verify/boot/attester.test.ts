import { spawnSync } from 'node:child_process';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestBytes } from '#src/io/digest.js';
import { createAttester } from '#src/verify/boot/attest/attester.js';
import { parseMarker } from '#src/verify/boot/probe/marker.js';
import { declareTest, findMissingProgram, notRoot } from '../../fixtures/needs.js';

const missing =
  notRoot ?? findMissingProgram('chroot') ?? (process.arch === 'x64' ? undefined : 'no x86-64 machine');
declareTest(missing, 'the attester tells of each path of its root, and removes itself', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'attester-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const nonce = 'cd'.repeat(16);
  const next = '/none';
  const own = ['own', 'port'];
  const attester = createAttester({ architecture: 'x86_64', nonce, port: 'port', next, own });
  await writeFile(join(root, attester.path), attester.program, { mode: 0o755 });
  await writeFile(join(root, attester.ordersPath), attester.orders);
  for (const name of own) await writeFile(join(root, name), '');
  // Around the ends of a block, and of what is read at once.
  const sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 65408, 65409, 200_000];
  for (const size of sizes) await writeFile(join(root, `size-${size}`), Buffer.alloc(size, size));
  let deep = root;
  for (let depth = 0; depth < 15; depth++) {
    deep = join(deep, `${depth}`.repeat(100));
    await mkdir(deep);
  }
  await writeFile(join(deep, 'own'), 'deep');
  for (let each = 0; each < 200; each++) await symlink(`to ${each}`, join(deep, `link-${each}`));
  await writeFile(join(root, 'a b\n%ü'), 'x');
  await link(join(root, 'a b\n%ü'), join(root, 'second'));
  await chmod(join(root, 'second'), 0o6751);
  await chown(join(root, 'second'), 4_000_000_000, 7);
  await chmod(join(root, 'second'), 0o6751);
  const { stdout, status } = spawnSync('chroot', [root, `/${attester.path}`], { encoding: 'utf8' });
  t.is(stdout, 'moby-patch-verify: /none: exec format error or not found\n');
  t.is(status, 126);
  t.is(await lstat(join(root, attester.path)).catch(() => undefined), undefined);
  t.is(await lstat(join(root, attester.ordersPath)).catch(() => undefined), undefined);

  const told = (await readFile(join(root, 'port'), 'utf8')).trimEnd().split('\n');
  const markers = told.map((line) => parseMarker(line, nonce));
  t.deepEqual(markers.pop(), { kind: 'attested', count: told.length - 1 });
  const found = new Map(
    markers.map((marker) =>
      marker?.kind === 'attest' ? [marker.found.path, marker.found] : ['?', undefined],
    ),
  );
  t.is(found.size, 1 + sizes.length + 15 + 201 + 2);
  for (const [path, each] of found) {
    const real = await lstat(join(root, path));
    t.is(each?.mode, real.mode & 0o7777, path);
    t.is(each?.inode, real.ino, path);
    t.is(each?.uid, real.uid, path);
    if (!real.isFile()) continue;
    const content = await readFile(join(root, path));
    t.is(each?.size, content.length, path);
    t.is(
      each?.sha256,
      await digestBytes(
        (async function* () {
          yield content;
        })(),
      ),
      path,
    );
  }
  t.is(found.get('second')?.uid, 4_000_000_000);
  t.is(found.get(`${deep.slice(root.length + 1)}/link-199`)?.target, 'to 199');
});
