import { exists } from '../io/file/exists.js';
import type { BuildRequest } from '../model/build.js';

/** The image that the manifest beside a file describes, where there is one that can be read. */
export async function findPatched(path: string): Promise<Pick<BuildRequest, 'patched'>> {
  const file = `${path}.manifest.json`;
  // Its schema needs zod, which takes longer to load than most images to be read.
  if (!(await exists(file))) return {};
  const { describedInitrd, readManifest } = await import('./lock-file.js');
  const manifest = await readManifest(file).catch(() => undefined);
  if (manifest?.patches === undefined || manifest.patches.length === 0) return {};
  const { input, patches } = manifest;
  return {
    patched: {
      by: file,
      patches: patches.map(({ id }) => id),
      input: (input.part ?? input).sha256,
      sha256: describedInitrd(manifest).sha256,
    },
  };
}
