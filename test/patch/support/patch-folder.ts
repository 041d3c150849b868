import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Patch } from '#src/model/patch/patch.js';
import { loadPatch } from '#src/patch/language/load-patch.js';

/** A folder with these files; it is removed after the test. */
export async function createFolder(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** A patch from the text of its steps and parameters; `more`: other files of its folder. */
export async function createPatch(
  t: ExecutionContext,
  yaml: string,
  more: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Patch> {
  return loadPatch(await createFolder(t, { 'patch.yaml': `title: Test\n${yaml}`, ...more }));
}
