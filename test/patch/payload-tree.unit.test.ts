import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { createPlan } from '#src/patch/plan.js';
import { testNeeding } from '../fixtures/needs.js';
import { runProgram } from './support/directory-workspace.js';
import { createFolder } from './support/patch-folder.js';

const yaml = 'title: Test\nsteps:\n  - copy: {from: root, to: /srv, exclude: ["*.bak"]}\n';

async function createTree(t: Parameters<typeof createFolder>[0]): Promise<string> {
  const folder = await createFolder(t, { 'patch.yaml': yaml, 'root/a/b': 'text', 'root/c.bak': 'x' });
  await symlink('b', join(folder, 'root/a/link'));
  return folder;
}

async function findId(folder: string): Promise<string> {
  return (
    await createPlan({ patches: [await loadPatch(folder)], settings: {}, image: '0'.repeat(64), stamp: 7 })
  ).id;
}

test('the id of a step changes with what it takes from a folder, and with nothing else', async (t) => {
  const folder = await createTree(t);
  const at = (name: string) => join(folder, 'root', name);
  const ids = [await findId(folder)];
  await utimes(at('a/b'), 1, 1);
  await chmod(at('a/b'), 0o664);
  await writeFile(at('c.bak'), 'y');
  t.deepEqual([await findId(folder)], ids);
  await writeFile(at('a/b'), 'Text');
  ids.push(await findId(folder));
  await chmod(at('a/b'), 0o755);
  ids.push(await findId(folder));
  await rm(at('a/link'));
  await symlink('c', at('a/link'));
  ids.push(await findId(folder));
  await mkdir(at('a/d'));
  ids.push(await findId(folder));
  t.is(new Set(ids).size, ids.length);
});

testNeeding('mkfifo')('a FIFO in a folder is a problem at the place of the step, and no hang', async (t) => {
  const folder = await createTree(t);
  t.is((await runProgram(['mkfifo', join(folder, 'root/a/fifo')], {})).exitCode, 0);
  const error = await t.throwsAsync<MobyPatchError>(() => loadPatch(folder));
  t.regex(error.message, /patch\.yaml:3:18: found a FIFO at root\/a\/fifo, wanted files, folders and links$/);
});

test('a link in the place of the folder leads to no folder outside', async (t) => {
  const folder = await createTree(t);
  await rm(join(folder, 'root'), { recursive: true });
  await symlink('/etc', join(folder, 'root'));
  const error = await t.throwsAsync<MobyPatchError>(() => loadPatch(folder));
  t.regex(
    error.message,
    /found that root leads out of the patch folder to \/etc, wanted a folder inside it$/,
  );
});
