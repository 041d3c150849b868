import { z } from 'zod';
import { parseJson } from '../format/parse-json.js';
import { createUnreadableError, readRegular } from '../io/file/regular-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Lock } from '../model/patch/lock.js';
import { packageVersions } from './package-versions.js';

/** Beside moby-patch.yaml, or in the working folder. */
export const lockName = 'moby-patch.lock';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Names of files that lead nowhere else. */
const plainName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._~%:@-]{0,254}$/);
const mostFiles = 100_000;

const download = z.strictObject({
  manager: plainName,
  name: plainName,
  size: z.int().min(0),
  sha256: digest,
});

const lockSchema = z.strictObject({
  version: z.literal(1),
  input: digest,
  plan: z.string().min(1),
  packages: packageVersions,
  vendor: z
    .strictObject({ folder: z.string().min(1).max(4096), files: z.array(download).max(mostFiles) })
    .optional(),
  output: digest,
});

/** The initrd inside of a file. */
const part = z.object({ sha256: digest }).optional();

/** The parts of a manifest that a lock needs. */
const manifestSchema = z.object({
  version: z.literal(1),
  input: z.object({ sha256: digest, part }),
  output: z.object({
    name: z.string(),
    sha256: digest,
    part,
    files: z.array(z.object({ name: z.string() })).optional(),
  }),
  plan: z.string().min(1),
  packages: packageVersions,
  downloads: z.object({ kept: z.array(download).max(mostFiles), missing: z.array(z.string()) }).optional(),
  verdict: z.enum(['passed', 'refused', 'not booted']),
  patches: z.array(z.object({ id: z.string() })).optional(),
  // Absent in manifests of earlier versions.
  steps: z.array(z.object({ patch: z.string(), summary: z.string() })).optional(),
  changes: z
    .array(
      z.object({
        path: z.string(),
        change: z.enum(['added', 'changed', 'removed']),
        steps: z.array(z.int().min(0)),
      }),
    )
    .optional(),
});

/** Errors (`invalid`): `lock-missing`, `lock-invalid`. */
export function readLock(path: string): Promise<Lock> {
  return readJson(path, lockSchema, 'lock', 'moby-patch lock');
}

export type ManifestFile = z.output<typeof manifestSchema>;

/** Errors (`invalid`): `manifest-missing`, `manifest-invalid`. */
export function readManifest(path: string): Promise<ManifestFile> {
  return readJson(path, manifestSchema, 'manifest', 'moby-patch build');
}

/** The initrd that a manifest describes: the output, or what is inside of it. */
export function describedInitrd({ output }: ManifestFile): { readonly sha256: string } {
  return output.part ?? output;
}

/** Bytes. */
const largestFile = 16 * 2 ** 20;

async function readJson<T>(
  path: string,
  schema: z.ZodType<T>,
  what: 'lock' | 'manifest',
  hint: string,
): Promise<T> {
  const code = `${what}-missing` as const;
  const bytes = await readRegular(path, largestFile).catch((cause) => {
    if (cause.code !== 'ENOENT')
      throw createUnreadableError(cause, { code, what: `the ${what}`, path, hint });
    throw new MobyPatchError('invalid', code, `there is no ${what} here`, { path, cause, hint });
  });
  const parsed = schema.safeParse(parseJson(bytes.toString('utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.length ? `its ${JSON.stringify(issue.path.join('.'))}` : 'all of it';
  const message = `this is not a ${what}: ${place} is missing, or is of another form`;
  throw new MobyPatchError('invalid', `${what}-invalid`, message, {
    path,
    hint,
  });
}
