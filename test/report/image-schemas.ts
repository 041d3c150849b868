import { z } from 'zod';
import {
  bytes,
  count,
  diffSchema,
  entry,
  layout,
  layoutFile,
  sha256,
  text,
  texts,
  wrapperKind,
} from './shared-schemas.js';

const part = z.strictObject({
  name: text,
  offset: count.describe('Bytes from the start of the file.'),
  size: bytes,
  mtime: z.int().optional().describe('Seconds since 1970.'),
  isPacked: z
    .boolean()
    .optional()
    .describe('`offset` counts in the kernel, which the file holds compressed.'),
  isSignature: z.boolean().optional(),
  copies: texts
    .optional()
    .describe('Parts with the same bytes, which other loaders start: a build replaces them, too.'),
  attributes: z.strictObject({ mode: count, uid: count, gid: count }).optional(),
});

const wrapper = z.strictObject({
  kind: wrapperKind,
  title: text,
  compression: text.optional().describe('Of a file system; `none`: its contents are stored as they are.'),
  part: text.describe('The name of the initrd.'),
  parts: z.array(part),
  boots: z
    .array(
      z.strictObject({
        initrd: text,
        kernel: text.optional(),
        cmdline: text.optional(),
        title: text.optional().describe('What a menu calls it.'),
      }),
    )
    .describe('Ways in which it boots; the one that starts by itself comes first.'),
  notes: texts
    .optional()
    .describe(
      'What of it may start another initrd than the one that a build replaces; absent where nothing does.',
    ),
});

const system = z.strictObject({
  os: z.strictObject({ id: text, name: text, version: text }).optional().describe('Of etc/os-release.'),
  packageManagers: texts,
  init: text.optional().describe('The init system; absent where it is not known.'),
  initramfs: text.optional().describe('What made it, if it only leads to another root.'),
  modules: texts.describe('Versions of the kernels that have modules.'),
});

/** The value of `inspect --json`. */
export const inspectionSchema = z.strictObject({
  ...layout,
  files: z
    .array(z.strictObject({ ...layoutFile, segments: z.array(count).describe('Their indexes.') }))
    .optional()
    .describe('Absent for an image that is one file.'),
  wrapper: wrapper.optional().describe('What the initrd is inside of; absent where the file is one.'),
  system,
  early: z
    .array(z.strictObject({ segment: count.describe('Its index.'), holds: text }))
    .optional()
    .describe('Archives that a kernel or its loader reads before there is a root.'),
  bootconfig: z
    .strictObject({
      keys: z.record(text, texts).nullable().describe('Null where it cannot be parsed.'),
      text,
    })
    .optional(),
  patched: z
    .strictObject({
      by: text.describe('`record`: the image says it itself; otherwise the file that says it.'),
      patches: texts,
      input: sha256.describe('Of the stock image.'),
    })
    .optional()
    .describe('Absent where nothing says that it was patched.'),
  hazards: z.array(
    z.strictObject({
      code: text.describe('Stable.'),
      severity: z.enum(['fatal', 'warning']),
      path: text.describe('In the image, or `archive N`.'),
      message: text,
      hint: text,
    }),
  ),
  dropped: z
    .array(z.strictObject({ name: text, segment: count, reason: text }))
    .describe('Records of which a kernel makes nothing.'),
});

/** The value of `ls --json`. */
export const entriesSchema = z.array(entry);

/** The value of `unpack --json`: of the whole image, or of a part of it. */
export const unpackedSchema = z.union([
  z.strictObject({
    output: text,
    sidecar: text.optional().describe('Absent for a tar, which has it inside.'),
    entries: count,
    kept: texts.describe('Paths that are in the sidecar alone.'),
  }),
  z.strictObject({
    output: text,
    entries: count,
    left: texts.describe('Paths that the folder cannot have.'),
  }),
]);

/** The value of `repack --json`. */
export const repackedSchema = z.strictObject({
  output: text,
  ...layout,
  diff: diffSchema.describe('What was done since it was unpacked.'),
});
