import { z } from 'zod';
import { initNames } from '#src/model/patch/init.js';
import { bootSchema } from './boot-schema.js';
import { overlayBase, overlayChecks } from './overlays-schema.js';
import {
  count,
  diffSchema,
  downloads,
  error,
  fileMark,
  layout,
  milliseconds,
  need,
  packages,
  settings,
  sha256,
  text,
  texts,
  verdict,
  wrapperKind,
} from './shared-schemas.js';

const engines = ['stream', 'docker', 'local'] as const;
const seconds = z.number().min(0).describe("Seconds of the guest's time.");
const step = { patch: text.describe('The id of its patch.'), kind: text, summary: text };

export const planSchema = z.strictObject({
  id: sha256.describe('Of the image and all steps with their parameters.'),
  init: z
    .strictObject({
      name: z.enum(initNames).optional().describe('Absent where it is not known.'),
      evidence: text.describe('The files that say so, or what was found in their place.'),
    })
    .optional()
    .describe('The init system of the image before any step.'),
  patches: z.array(z.strictObject({ id: text, title: text, folder: text, sha256, parameters: settings })),
  steps: z.array(
    z.strictObject({
      ...step,
      id: sha256,
      needs: z.array(need),
      cached: z.boolean().describe('Whether its changes will come from the cache.'),
      proven: z.boolean().optional().describe('Whether an image with the cached changes has booted.'),
      secrets: texts.optional().describe('Names of the secrets that it gets.'),
      becomes: texts.optional().describe('What it becomes with that init system.'),
    }),
  ),
  skipped: z
    .array(z.strictObject({ ...step, reason: text.describe('What was found and wanted.') }))
    .optional()
    .describe('Steps whose conditions do not hold.'),
  needs: z.array(need),
  rootKept: z.boolean().optional().describe("Whether the engine still has the image's root."),
});

const usage = z.array(
  z.strictObject({
    path: text.describe('At most two components; empty for files at the root.'),
    bytes: count,
  }),
);

const wrapper = z.strictObject({
  kind: wrapperKind,
  part: text.describe('The name of the initrd in it.'),
  before: z.strictObject(fileMark),
  after: z.strictObject(fileMark).optional(),
  way: text.optional().describe('How the new initrd got into it.'),
  pcr11: z
    .array(z.strictObject({ phase: text.describe('As systemd-measure names it.'), sha256 }))
    .optional()
    .describe('What PCR 11 of a TPM will be when it boots.'),
});

const precheck = z.strictObject({
  name: z.enum([
    'request',
    'engine',
    'mode',
    'compression',
    'output',
    'space',
    'expectation',
    'disk',
    'kernel',
    'qemu',
    'network',
    'files',
    'steps',
  ]),
  found: text,
  problem: error.optional(),
});

const doneStep = z.strictObject({
  ...step,
  changed: z.boolean(),
  cached: z.boolean().describe('Whether its changes came from the cache.'),
  proven: z.boolean().optional().describe('Whether an image with the cached changes has booted.'),
  notes: texts,
  packages,
  paths: texts.optional().describe('What it put or removed itself; not what its commands did.'),
  ran: z.literal(true).optional().describe('It ran commands, which may have changed any path.'),
  downloads: downloads.optional(),
  output: text.optional().describe('What its commands printed.'),
  durationMs: milliseconds,
});

const pair = <Value extends z.ZodType>(value: Value) =>
  z.array(z.strictObject({ name: text, stock: value.optional(), patched: value.optional() }));

const stock = z.strictObject({
  stock: bootSchema,
  stages: pair(seconds),
  services: pair(text).describe('States, where they differ.'),
  unsettled: z.literal(true).optional().describe('`services` is empty: it could not be compared.'),
  memory: z
    .strictObject({ stock: count, patched: count })
    .optional()
    .describe('KiB in use when the system was up.'),
  errors: texts.describe('Lines of the console that tell of an error, unlike any of the stock image.'),
});

const stages = ['configure', 'unpack', 'plan', 'patch', 'repack', 'validate', 'verify', 'publish'] as const;

/** The value of `build --json` and `plan --json`, and a file that `--report FILE.json` writes. */
export const reportSchema = z.strictObject({
  version: z.literal(1),
  failed: z.boolean(),
  stage: z.enum(stages).describe('The last one that began.'),
  input: text,
  output: text.optional(),
  manifest: text.optional(),
  before: z.strictObject(layout).optional().describe('The image that was patched.'),
  after: z.strictObject(layout).optional().describe('The new image.'),
  overlay: z
    .strictObject(fileMark)
    .optional()
    .describe('The output, where it is only what was appended; `after` describes the image with it.'),
  wrapper: wrapper
    .optional()
    .describe('What the images are inside of; `before` and `after` describe the initrds.'),
  plan: planSchema.optional(),
  engine: z.strictObject({ name: z.enum(engines), reason: text }).optional(),
  prechecks: z.array(precheck).optional().describe('What a build needs, looked at before its first step.'),
  mode: z
    .strictObject({ name: z.enum(['rewrite', 'append', 'auto']), reason: text })
    .optional()
    .describe('How the changes get into the image; `auto`: the changes decide.'),
  steps: z.array(doneStep).describe('Those that ran.'),
  twice: z
    .array(
      z.strictObject({
        path: text,
        what: text.describe('contents, mode, owner, time, target, type, or only once.'),
        offset: count.optional().describe('The first byte that differs.'),
        steps: texts.describe('Those that wrote the path.'),
        remedy: text.optional(),
      }),
    )
    .optional()
    .describe('With --twice: what a second run of the steps made differently.'),
  diff: diffSchema.optional(),
  usage: z
    .strictObject({ before: usage, after: usage.optional() })
    .optional()
    .describe('Where the bytes of the images are, largest first.'),
  boot: bootSchema.optional(),
  stock: stock.optional().describe('With --compare-stock: the boot of the image as it was.'),
  warnings: texts,
  error: error.optional(),
  stages: z
    .strictObject(Object.fromEntries(stages.map((stage) => [stage, milliseconds.optional()])))
    .describe('Milliseconds of each stage that began.'),
  durationMs: milliseconds,
});

const file = { name: text, ...fileMark };
const image = z.strictObject({
  ...file,
  files: z.array(z.strictObject(file)).optional().describe('Of which it is joined.'),
  part: z.strictObject(file).optional().describe('The initrd in it; absent where the file is one.'),
});

/** The file FILE.manifest.json beside an image. */
export const manifestSchema = z.strictObject({
  version: z.literal(1),
  input: image,
  output: image,
  plan: sha256.describe('The id of the plan.'),
  patches: z.array(z.strictObject({ id: text, title: text, sha256, parameters: settings })),
  packages,
  steps: z.array(z.strictObject({ patch: text, summary: text })),
  changes: z
    .array(
      z.strictObject({
        path: text,
        change: z.enum(['added', 'changed', 'removed']),
        steps: z.array(count).describe('Indexes of the steps that wrote it, or can have.'),
      }),
    )
    .describe('Every path of the output that is not as in the input.'),
  downloads: downloads.optional(),
  engine: z.enum(engines),
  mode: z.enum(['rewrite', 'append']),
  verdict,
  reached: text.optional().describe('How far the boot came.'),
  console: text.optional().describe('The file of the console.'),
  warnings: texts,
  base: overlayBase
    .optional()
    .describe('Of an overlay that `build --for-each` wrote: what it stands behind.'),
  checks: overlayChecks.optional().describe('Of such an overlay: what was seen of it.'),
});
