import { z } from 'zod';
import { reportSchema } from './report-schema.js';
import { fileMark, packages, settings, sha256, text, texts } from './shared-schemas.js';

const status = {
  status: z.enum(['stock', 'patched', 'stale', 'upgraded', 'foreign', 'missing', 'unsupported']),
  reason: text,
  next: text.optional().describe('The command to type next.'),
};

const secret = z.strictObject({
  shown: text.describe('A digest that only the user of this machine can compare.'),
  source: z
    .union([z.strictObject({ file: text }), z.strictObject({ env: text })])
    .optional()
    .describe('Absent: a person typed it.'),
});

const deployment = z.strictObject({
  version: z.literal(1),
  stock: z.strictObject(fileMark),
  patched: z.strictObject(fileMark),
  plan: sha256,
  recipe: text.describe('A digest of what was wanted, whatever the image.'),
  patches: z.array(z.strictObject({ id: text, folder: text, sha256 })),
  settings,
  secrets: z.record(text, secret).optional().describe('By PATCH.NAME.'),
  packages,
  verdict: z.enum(['passed', 'not booted']),
  application: text.optional().describe('The version of the application.'),
  kernel: text.optional().describe('Digest of the kernel that the image was booted with.'),
  segments: texts.describe(
    'Digests of the archives that the patched image has, and the stock image does not.',
  ),
  stockRoot: text.describe('Digest of the archive with /init of the stock image.'),
  build: text.describe("The name of its build's folder."),
  time: text.describe('ISO 8601.'),
});

const name = text.describe('The id or the path of the image, as it was given.');
const changed = z.boolean().describe('Whether the installed image was replaced; with --dry-run: would be.');
const before = z.strictObject(status).describe('The status before.');

/** The value of `status --json`. */
export const statusSchema = z.strictObject({
  ...status,
  wanted: z.boolean().describe('Whether the installed image has the wanted patches.'),
  name,
  image: text.optional().describe('Its path; this and all below is absent when no image was found.'),
  generation: text.optional().describe("Which of the definition's installations it is."),
  version: text.optional().describe('Of the application.'),
  sha256: fileMark.sha256.optional(),
  size: fileMark.size.optional(),
  state: text.optional().describe('The folder with the state.'),
  rebuilt: z.boolean().optional().describe('Whether the state was lost, and other records replace it.'),
  deployment: deployment.optional().describe('Whose patched image is installed.'),
});

/** The value of `apply --json` and `reapply --json`. */
export const deployedSchema = z.strictObject({
  name,
  changed,
  proved: z.boolean().optional().describe('The installed image was left in place and booted.'),
  before,
  deployment: deployment.optional().describe('Whose patched image is installed now.'),
  conflicts: z
    .array(z.strictObject({ path: text, upstream: z.enum(['changed', 'added']) }))
    .optional()
    .describe('Files that upstream changed, and that the patches replace.'),
  drift: z
    .array(z.strictObject({ name: text, before: text.optional(), after: text.optional() }))
    .optional()
    .describe('Packages whose versions differ from the last deployment.'),
  report: reportSchema.optional().describe('Of the build; with --dry-run of the plan.'),
});

/** The value of `restore --json`. */
export const restoredSchema = z.strictObject({
  name,
  changed,
  before,
  stock: sha256.describe('Digest of the stock image that is installed now.'),
});

const service = z.enum(['launchd', 'systemd']);
const checked = text.optional().describe('What the checker of the system says.');

/** The value of `watch --install --json` and `watch --uninstall --json`. */
export const serviceSchema = z.union([
  z.strictObject({ service, wrote: texts, checked }),
  z.strictObject({ service, removed: texts, checked }),
]);

/** The value of `host nfs --json`. */
export const hostSchema = z.strictObject({
  platform: z.enum(['darwin', 'linux']),
  written: z.boolean().describe('Whether a file was written.'),
  files: z.array(
    z.strictObject({
      path: text,
      lines: texts.describe('Lines of ours.'),
      checked,
      changed: z.boolean().describe('Whether the file differs from what was there.'),
    }),
  ),
  restart: text.describe('The command that makes the server read the files.'),
});
