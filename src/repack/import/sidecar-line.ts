import { z } from 'zod';
import { maximumNameSize } from '../../format/cpio/cpio-header.js';
import { parseJson } from '../../format/parse-json.js';
import { encodePath } from '../../format/path.js';
import { isWritable } from '../../format/sidecar.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { SidecarLine } from '../../model/image/sidecar.js';

const word = z.int().min(0).max(0xffffffff);
const count = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z.base64().max(96 * 1024);
const name = z.string().refine((text) => !text.includes('\0') && encodePath(text).length <= maximumNameSize, {
  error: 'a name of more than 4096 bytes, or with a NUL',
});
const written = {
  segment: count,
  // More than any archive has between two records: it bounds what one line can make us write.
  gap: count.max(2 ** 30).optional(),
  lower: z.literal(true).optional(),
  raw: base64.optional(),
};

const lineSchema = z.discriminatedUnion('line', [
  z.strictObject({
    line: z.literal('image'),
    version: z.literal(1),
    name: z.string(),
    size: count,
    sha256: digest,
    root: count,
    kept: z.array(z.string()),
    top: count.max(0o777).optional(),
    files: z
      .array(z.strictObject({ name: z.string().min(1), offset: count, end: count, sha256: digest }))
      .optional(),
  }),
  z.strictObject({
    line: z.literal('segment'),
    kind: z.enum(['cpio', 'padding', 'opaque', 'bootconfig']),
    offset: count,
    end: count,
    compression: z.strictObject({
      codec: z.enum(['none', 'gzip', 'bzip2', 'lzma', 'xz', 'lzo', 'lz4', 'zstd']),
      level: z.union([z.enum(['fastest', 'best']), count]).optional(),
      dictionary: count.optional(),
    }),
    members: count,
    entries: count,
    unpacked: count,
    trailer: z.boolean(),
    sha256: digest,
  }),
  z.strictObject({
    line: z.literal('record'),
    ...written,
    name,
    mode: z.string().regex(/^[0-7]{1,11}$/),
    ino: word,
    uid: word,
    gid: word,
    nlink: word,
    mtime: word,
    filesize: word,
    devmajor: word,
    devminor: word,
    rdevmajor: word,
    rdevminor: word,
    target: z.string().optional(),
    sha256: digest.optional(),
  }),
  z.strictObject({ line: z.literal('trailer'), ...written }),
  z.strictObject({ line: z.literal('bytes'), base64 }),
  z.strictObject({ line: z.literal('end') }),
]);

/** One line of a sidecar. Error (`invalid`): `sidecar-invalid`, at `where`. */
export function parseSidecarLine(text: string, where: string): SidecarLine {
  const parsed = lineSchema.safeParse(parseJson(text));
  if (parsed.success && hasName(parsed.data)) return parsed.data as SidecarLine;
  const [issue] = parsed.error?.issues ?? [{ path: ['name'], message: 'no archive can have it' }];
  const at = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new MobyPatchError(
    'invalid',
    'sidecar-invalid',
    `found a line that no sidecar has (${at}${issue?.message ?? 'no JSON'})`,
    { path: where, hint: 'unpack the image again: moby-patch unpack IMAGE -o DIR' },
  );
}

/** A name that cannot be written must come with the bytes of its record. */
function hasName(line: z.infer<typeof lineSchema>): boolean {
  return line.line !== 'record' || line.raw !== undefined || isWritable(line.name);
}
