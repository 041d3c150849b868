import { suggest } from '../../../yaml/did-you-mean.js';
import type { At } from '../init/init-system.js';
import { createStepError } from '../step-context.js';
import { findFile } from '../workspace-files.js';

/** With usr-merge, lib is a symlink. */
const places = ['lib/modules', 'usr/lib/modules'];

/**
 * Folders with modules of kernels other than `kernel`; without it, other than those that the image has itself.
 * Error (`failed`): `slim-kernel`.
 */
export async function listOtherModules(kernel: string | undefined, at: At): Promise<string[]> {
  const folders = await listModuleFolders(at);
  const releases = [...new Set(folders.map(({ release }) => release))];
  const own = kernel === undefined ? await findOwn(releases, at) : [kernel];
  if (kernel !== undefined && !releases.includes(kernel))
    throw createStepError(
      at.context,
      'slim-kernel',
      `slim: found no lib/modules/${kernel} in the image, wanted the modules of the kernel that stays${suggest(kernel, releases)}`,
      {
        hint: `it has ${releases.length === 0 ? 'none' : releases.join(', ')}: moby-patch ls IMAGE 'lib/modules/*'`,
      },
    );
  if (own.length === 0 && releases.length > 1)
    throw createStepError(
      at.context,
      'slim-kernel',
      `slim: found modules of ${releases.join(' and ')}, and no kernel in boot of the image, wanted to know whose modules stay`,
      { hint: `write: - slim: {parts: [other-modules], kernel: ${releases.at(-1)}}` },
    );
  return own.length === 0
    ? []
    : folders.flatMap(({ path, release }) => (own.includes(release) ? [] : [path]));
}

async function listModuleFolders({ workspace }: At) {
  const found = [];
  for (const place of places) {
    const parent = place.slice(0, place.lastIndexOf('/'));
    const isLink = async (path: string) => (await workspace.stat(path))?.type !== 'directory';
    if ((await isLink(parent)) || (await isLink(place))) continue;
    for (const release of await workspace.list(place)) {
      const path = `${place}/${release}`;
      if (!(await isLink(path))) found.push({ path, release });
    }
  }
  return found;
}

async function findOwn(releases: readonly string[], { workspace }: At): Promise<string[]> {
  const own = [];
  for (const release of releases) {
    const kernels = [
      ...['vmlinuz', 'vmlinux', 'Image', 'bzImage'].map((name) => `boot/${name}-${release}`),
      ...places.map((place) => `${place}/${release}/vmlinuz`),
    ];
    if ((await findFile(workspace, kernels)) !== undefined) own.push(release);
  }
  return own;
}
