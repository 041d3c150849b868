import { z } from 'zod';
import { createGlob } from '../../../tree/glob.js';
import type { At } from '../../system/init/init-system.js';
import { listOtherModules } from '../../system/slim/other-modules.js';
import { type SlimPartName, slimParts } from '../../system/slim/parts.js';
import {
  findCompiler,
  type RemovalOptions,
  type RemovedPart,
  removeFolder,
  removePart,
} from '../../system/slim/remove-part.js';
import { defineStep } from '../definition.js';

const otherModules = 'other-modules';
const names = [...(Object.keys(slimParts) as SlimPartName[]), otherModules] as const;

const parts = z
  .array(z.enum(names, { error: `expected one of ${names.join(', ')}` }))
  .min(1)
  .max(names.length);

const schema = () =>
  z
    .union([
      parts.transform((list) => ({ parts: list, keep: [] as string[], kernel: undefined })),
      z.strictObject({
        parts: parts.describe('What goes: see below.'),
        keep: z
          .array(z.string().min(1).max(4096))
          .max(1000)
          .default([])
          .describe('Globs of paths that stay, such as usr/share/locale/de/**.'),
        kernel: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._+~-]*$/, {
            error: 'expected the release of a kernel such as 6.1.0-18-amd64',
          })
          .optional()
          .describe(
            'For other-modules: the release whose modules stay; by default those of the kernels in boot of the image.',
          ),
      }),
    ])
    .describe(
      'Takes out what no running system needs, by name. The report says how many bytes each name gives.',
    );

export const slimStep = defineStep({
  kind: 'slim',
  schema,
  describe: (value) => `slim ${[...new Set(value.parts)].join(' ')}`,
  needs: () => [],
  // It reads no bodies, and only takes out what is there.
  reads: () => [],
  async apply(value, context, workspace) {
    const globs = value.keep.map(createGlob);
    const options = { workspace, context, keeps: (path: string) => globs.some((fits) => fits(path)) };
    // Before anything goes: a step that fails has done nothing.
    const folders = value.parts.includes(otherModules) ? await listOtherModules(value.kernel, options) : [];
    const gone: string[] = [];
    const kept: string[] = [];
    const absent: string[] = [];
    for (const name of new Set(value.parts)) {
      const removed =
        name === otherModules ? await removeModules(folders, options) : await removeNamed(name, options);
      if (typeof removed === 'string') kept.push(removed);
      else if (removed.files === 0) absent.push(name);
      else gone.push(`${name}: ${describeRemoved(removed)}`);
    }
    const none = absent.length === 0 ? [] : [`found none of ${absent.join(', ')}`];
    return { changed: gone.length > 0, notes: [...gone, ...kept, ...none] };
  },
});

/** Or why nothing was done. */
async function removeNamed(name: SlimPartName, options: RemovalOptions): Promise<RemovedPart | string> {
  const part = slimParts[name];
  const compiler = 'isForCompilers' in part ? await findCompiler(options) : undefined;
  if (compiler !== undefined) return `${name}: found ${compiler} in the image, which needs them: they stay`;
  return removePart(part, options);
}

async function removeModules(folders: readonly string[], options: RemovalOptions & At): Promise<RemovedPart> {
  let [files, bytes] = [0, 0];
  for (const folder of folders) {
    const removed = await removeFolder(folder, options);
    files += removed.files;
    bytes += removed.bytes;
  }
  return { files, bytes };
}

function describeRemoved({ files, bytes }: RemovedPart): string {
  const size = bytes < 2 ** 20 ? '' : ` (${(bytes / 2 ** 20).toFixed(1)} MiB)`;
  return `${bytes} bytes${size} in ${files} ${files === 1 ? 'file' : 'files'}`;
}
