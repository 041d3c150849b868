import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { findPatch, listPatches } from '#src/patch/language/find-patches.js';
import { createFolder } from './support/patch-folder.js';

test('an id is looked up in the roots in turn, a folder is used as it is', async (t) => {
  const first = await createFolder(t, { 'nfs/patch.yaml': '' });
  const second = await createFolder(t, { 'nfs/patch.yaml': '', 'motd/patch.yaml': '', 'README.md': '' });
  const roots = [join(first, 'absent'), first, second];
  t.is(await findPatch('nfs', roots), join(first, 'nfs'));
  t.is(await findPatch('motd', roots), join(second, 'motd'));
  t.is(await findPatch(join(second, 'nfs'), roots), join(second, 'nfs'));
  t.deepEqual([...(await listPatches(roots)).keys()], ['motd', 'nfs']);
  await t.throwsAsync(() => findPatch('nsf', roots), {
    code: 'patch-unknown',
    message: /did you mean "nfs"/,
  });
  await t.throwsAsync(() => findPatch('./nfs', roots), { code: 'patch-unknown' });
});

test('a folder of patches is answered with the patches in it', async (t) => {
  const folder = await createFolder(t, { 'nfs/patch.yaml': '', 'motd/patch.yaml': '' });
  const error = await t.throwsAsync(() => findPatch(folder, []), { instanceOf: MobyPatchError });
  const wanted = `name a patch in it: ${join(folder, 'motd')}, ${join(folder, 'nfs')}; `;
  t.true(error?.hint?.startsWith(wanted), error?.hint);
});
