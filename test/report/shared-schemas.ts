import { z } from 'zod';
import { exitCodes } from '#src/model/error/error.js';

/** Parts that the schemas of results share. */

export const text = z.string();
export const texts = z.array(text);
export const count = z.int().min(0);
export const bytes = count.describe('Bytes.');
export const milliseconds = count.describe('Milliseconds.');
export const sha256 = text.regex(/^[0-9a-f]{64}$/).describe('SHA-256 in hex.');
export const fileMark = { sha256, size: bytes };
export const need = z.enum(['commands', 'network']).describe('A right that a step needs.');
export const packages = z.record(text, text).describe('The version of each package, by its name.');
export const settings = z.record(text, text).describe('Values of parameters, by their names.');
export const verdict = z.enum(['passed', 'refused', 'not booted']);
export const wrapperKind = z.enum(['iso', 'uki', 'uimage', 'android', 'fit', 'kernel', 'squashfs', 'erofs']);

/** In all forms in which a value has an error. */
export const error = z.strictObject({
  kind: z
    .enum(Object.keys(exitCodes) as [keyof typeof exitCodes, ...(keyof typeof exitCodes)[]])
    .describe('It decides the exit code.'),
  code: text.describe('Stable; docs/errors.md has all of them.'),
  message: text,
  hint: text.optional().describe('What to do next.'),
  path: text.optional().describe('What the message is about.'),
  offset: count.optional().describe('Bytes from the start of the file named by `path`.'),
  output: text.optional().describe('All that a program printed, as far as it was kept.'),
  get problems(): z.ZodOptional<z.ZodArray<typeof error>> {
    return z.array(error).optional();
  },
});

// Its name in the $defs of a schema: it is a part of itself.
z.globalRegistry.add(error, { id: 'error' });

const download = z.strictObject({ manager: text, name: text, ...fileMark });
export const downloadedFiles = z.array(download);

export const downloads = z
  .strictObject({
    kept: downloadedFiles,
    missing: texts.describe('Names of packages that came over the network, and of which no file is kept.'),
  })
  .describe('Files that package managers downloaded.');

const entryType = z.enum(['file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket']);

/** What the running system sees of a path. */
export const entry = z
  .strictObject({
    path: text.describe('Without a slash at its start; empty for the root.'),
    type: entryType,
    mode: z.int().min(0).max(0o7777),
    uid: count,
    gid: count,
    mtime: count.describe('Seconds since 1970.'),
    size: count.describe("Bytes of a file's content, or of a symlink's target."),
    target: text.optional().describe('Of a symlink.'),
    device: z.strictObject({ major: count, minor: count }).optional(),
    link: text.optional().describe('The same for all names of one file; absent where it has one name.'),
  })
  .meta({ id: 'entry' });

const segment = z
  .strictObject({
    offset: count.describe('Bytes from the start of the image.'),
    end: count,
    kind: z
      .enum(['cpio', 'padding', 'opaque', 'bootconfig'])
      .describe('`opaque`: bytes at which a kernel stops reading.'),
    compression: z.strictObject({
      codec: z.enum(['none', 'gzip', 'bzip2', 'lzma', 'xz', 'lzo', 'lz4', 'zstd']),
      level: z
        .union([z.enum(['fastest', 'best']), z.int()])
        .optional()
        .describe('As far as the header says it.'),
      dictionary: bytes.optional(),
    }),
    members: count.describe('Compressed members; 1 for a raw archive, 0 for padding.'),
    entries: count.describe('Records of the archive, its trailer not counted.'),
    unpacked: count.describe('Bytes after decompression.'),
    trailer: z.boolean().describe('Whether a trailer ends the archive.'),
    sha256,
  })
  .meta({ id: 'segment' });

export const layoutFile = {
  name: text.describe('As it was given.'),
  offset: count.describe('Bytes from the start of the image.'),
  end: count,
  sha256,
};

/** Of an image. */
export const layout = {
  ...fileMark,
  segments: z.array(segment).describe('They cover the image without a gap.'),
  root: z.int().describe('The index of the segment that brings /init.'),
  files: z.array(z.strictObject(layoutFile)).optional().describe('Absent for an image that is one file.'),
};

const field = z.enum(['type', 'mode', 'uid', 'gid', 'mtime', 'size', 'target', 'device', 'link', 'content']);

/** How the roots of two images differ: the value of `diff --json`, and a part of reports. */
export const diffSchema = z.strictObject({
  added: count,
  removed: count,
  changed: count,
  differences: z
    .array(
      z.strictObject({
        path: text,
        kind: z.enum(['added', 'removed', 'changed']),
        type: entryType,
        fields: z.array(z.strictObject({ field, before: text, after: text })).describe('Of a changed path.'),
        text: texts.optional().describe('Lines of a unified diff, of a small text file.'),
      }),
    )
    .describe('Sorted by path.'),
  bootconfig: z
    .array(z.strictObject({ key: text, before: texts.optional(), after: texts.optional() }))
    .optional()
    .describe('Keys of the boot configuration; empty where it only says the same in other words.'),
});
