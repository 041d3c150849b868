import { posix } from 'node:path';
import { z } from 'zod';
import { showPath } from '../../../format/path.js';
import type { Put } from '../../../model/patch/workspace.js';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import type { ArchiveFile } from '../../system/archives/archive-file.js';
import { readArchive } from '../../system/archives/archive-files.js';
import { putTree } from '../../system/archives/put-tree.js';
import { largestPayload, readPayload } from '../../system/payload-text.js';
import { createStepError } from '../../system/step-context.js';
import { defineStep } from '../definition.js';
import { imageFolder, ownership, payloadPath, refuseBoth, wholeNumber } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      from: payloadPath.describe(
        'A file of the patch folder: tar, newc cpio (either also with gzip) or zip.',
      ),
      to: imageFolder.describe('Where its files go; / for the root.'),
      strip: wholeNumber(0, 100)
        .default(0)
        .describe('How many folders are taken off the front of each name.'),
      'keep-owners': z
        .boolean()
        .default(false)
        .describe('Whether files belong to the numbers that the archive has; otherwise to root, or "owner".'),
      ...ownership,
    })
    .refine(...refuseBoth)
    .refine(
      ({ 'keep-owners': keep, ...value }) =>
        !keep || [value.owner, value.uid, value.gid].every((each) => each === undefined),
      { path: ['keep-owners'], error: 'expected no "keep-owners" beside an owner' },
    )
    .describe(
      'Unpacks an archive. Its modes and links are kept, devices are refused, and directories that the image has stay as they are.',
    );

export const archiveStep = defineStep({
  kind: 'archive',
  schema,
  describe: ({ from, to }) => `archive ${from} to /${to}`,
  needs: () => [],
  reads: (value) => [...(value.to === '' ? [] : [value.to]), ...ownerFiles(value)],
  payload: ({ from }) => [{ name: from, template: false, largest: largestPayload }],
  async apply({ from, to, strip, 'keep-owners': keep, ...value }, context, workspace) {
    const owner = await findOwner(value, context, workspace);
    const all = await readArchive(await readPayload(context, from), context.signal).catch((cause: Error) => {
      context.signal?.throwIfAborted();
      throw createStepError(context, 'archive-invalid', `archive ${from}: ${cause.message}`, { cause });
    });
    const files = all.flatMap((file): Put[] => {
      const inner = file.path.split('/').slice(strip).join('/');
      if (inner === '') return [];
      const { mode, uid, gid } = file;
      const own = keep ? { uid, gid } : owner;
      return [{ ...own, path: posix.join(to, inner), mode, ...describeBody(file) }];
    });
    if (files.length === 0) {
      throw createStepError(
        context,
        'archive-invalid',
        `archive ${from}: found ${all.length} files, none of which has a name after "strip: ${strip}"; wanted some`,
      );
    }
    const through = findBehindLink(files);
    if (through !== undefined)
      throw createStepError(
        context,
        'archive-invalid',
        `archive ${from}: found ${showPath(through.path)} behind a link of the archive, ${showPath(through.link)}; wanted no file that a link leads elsewhere`,
      );
    const top: Put[] = to === '' ? [] : [{ ...(keep ? {} : owner), path: to, type: 'directory' }];
    return putTree(workspace, context, { what: `archive ${from}`, files: [...top, ...files] });
  },
});

/** A file that would land where a link of the same archive leads: outside of the folder, perhaps. */
function findBehindLink(files: readonly Put[]): { readonly path: string; readonly link: string } | undefined {
  const links = new Set(files.flatMap(({ type, path }) => (type === 'symlink' ? [path] : [])));
  if (links.size === 0) return undefined;
  for (const { path } of files)
    for (let link = posix.dirname(path); link !== '.'; link = posix.dirname(link))
      if (links.has(link)) return { path, link };
  return undefined;
}

function describeBody({ type, target, content }: ArchiveFile): Pick<Put, 'type' | 'target' | 'content'> {
  if (type === 'symlink') return { type, target };
  return type === 'directory' ? { type } : { type, content };
}
