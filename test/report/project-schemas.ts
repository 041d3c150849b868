import { z } from 'zod';
import { bytes, count, downloadedFiles, packages, sha256, text, texts, verdict } from './shared-schemas.js';

const position = z.strictObject({
  file: text,
  line: z.int().min(1),
  column: z.int().min(1),
  inside: text.optional().describe('For a value that no text has: the keys that lead to it.'),
});

/** The value of `check --json`. */
export const checkSchema = z.strictObject({
  failed: z.boolean().describe('Whether there is an error.'),
  results: z.array(
    z.strictObject({
      kind: z.enum(['patch', 'image', 'configuration']),
      name: text.describe('Its path.'),
      findings: z.array(
        z.strictObject({
          severity: z.enum(['error', 'warning']),
          code: text,
          at: position,
          text,
          try: text.optional().describe('What to do.'),
        }),
      ),
      problem: text.optional().describe('The texts of all errors.'),
    }),
  ),
});

/** The value of `init --json`. */
export const createdSchema = z.strictObject({
  image: text,
  files: z.array(
    z.strictObject({
      path: text.describe('From the working folder.'),
      state: z.enum(['written', 'replaced', 'would be written', 'would be replaced']),
      text: text.optional().describe('With --dry-run.'),
    }),
  ),
  next: text.describe('What to do next.'),
});

/** The value of `lock --json`, and the file moby-patch.lock. */
export const lockedSchema = z.strictObject({
  version: z.literal(1),
  input: sha256,
  plan: sha256.describe('The id of the plan.'),
  packages,
  vendor: z
    .strictObject({
      folder: text.describe('From the folder of the lock; a file is FOLDER/MANAGER/NAME.'),
      files: downloadedFiles,
    })
    .optional(),
  output: sha256,
});

const digest = text.regex(/^sha256:[0-9a-f]{64}$/);

/** The value of `push --json`. */
export const pushedSchema = z.strictObject({
  reference: text.describe('With the digest of the artifact.'),
  digest,
  verdict,
  files: z.array(
    z.strictObject({
      name: text,
      digest,
      size: bytes,
      sent: z.boolean().describe('False: the registry had it.'),
    }),
  ),
});

/** The value of `pull --json`. */
export const pulledSchema = z.strictObject({
  digest: digest.describe('Of the artifact.'),
  verdict: text.optional().describe('Absent: another program stored it.'),
  files: z.array(z.strictObject({ path: text.describe('An absolute path.'), digest, size: bytes })),
});

/** The value of `doctor --json`. */
export const findingsSchema = z.array(
  z.strictObject({
    name: text,
    ready: z.boolean(),
    needed: z.boolean().describe('Whether a build with commands, or a boot, fails without it.'),
    reason: text,
    hint: text.optional().describe('What makes it ready, or better.'),
  }),
);

const leftOver = { kind: z.enum(['container', 'image']), id: text, label: text };

/** The value of `prune --json`. */
export const prunedSchema = z.strictObject({
  folders: texts.describe('Temporary folders that were removed.'),
  outputs: texts.describe('Unfinished outputs that were removed from the working folder.'),
  groups: texts.describe('Control groups that were removed.'),
  processes: z.array(count).describe('Processes that were ended.'),
  cache: z
    .strictObject({ removed: bytes, left: bytes })
    .optional()
    .describe('Of the build cache; absent without one.'),
  docker: z.union([
    z.strictObject({
      removed: z.array(z.strictObject(leftOver)),
      failed: z.array(z.strictObject({ ...leftOver, reason: text })),
    }),
    z.strictObject({ skipped: text.describe('Why no Docker was searched.') }),
  ]),
});
