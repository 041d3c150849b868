import { z } from 'zod';
import { whenSchema } from '#src/patch/language/when.js';
import { count, error, text, texts } from './shared-schemas.js';

const seconds = z.number().min(0);

/** The keys of all kinds: one of each kind has its own. */
const expectation = z
  .strictObject({
    console: text.optional(),
    file: text.optional(),
    content: text.optional(),
    service: text.optional(),
    mount: text.optional(),
    type: text.optional(),
    port: z.int().optional(),
    send: text.optional(),
    answer: text.optional(),
    command: text.optional(),
    exit: z.int().optional(),
    output: text.optional(),
    'no-failed-services': z.boolean().optional(),
    except: texts.optional(),
    poweroff: z.literal(true).optional(),
    'memory-below': z.number().optional().describe('MiB.'),
    within: seconds.optional().describe("Seconds of the guest's time."),
    when: whenSchema.optional(),
  })
  .describe('As in "expects" of a patch, with durations in seconds and sizes in MiB.');

const survey = z
  .strictObject({
    kind: z
      .enum(['services', 'programs'])
      .describe('Those of its init system; programs where none keeps a list.'),
    services: z
      .array(z.strictObject({ name: text, state: text }))
      .describe('A program "runs" or "comes and goes"; a service whose state did not last "changes".'),
    settled: z.boolean().describe('Whether the guest had come to rest.'),
    memory: count.optional().describe('KiB in use.'),
  })
  .describe('With --compare-stock: what ran in the guest when its system was up.');

/** The value of `verify --json`, and `boot` of a report. */
export const bootSchema = z.strictObject({
  verdict: z.enum(['passed', 'refused']),
  reason: z.string().optional().describe('Why the boot was refused, in one sentence.'),
  reached: z
    .enum(['nothing', 'init', 'default runlevel', 'default target', 'runlevel', 'inittab'])
    .describe('What the guest has reported; `init`: its first program runs.'),
  runlevel: text.optional().describe('Of OpenRC, where another than its default one was to be the last.'),
  accelerator: z.enum(['kvm', 'tcg']),
  seconds: seconds.describe("Of the guest's time."),
  waited: seconds.describe('Seconds for which the guest waited for a processor of the machine.'),
  attempts: z.int().min(1).max(2).describe('2 where the machine failed the first.'),
  stages: z.array(
    z.strictObject({
      name: z
        .string()
        .describe(
          'firmware, kernel, unpacked, init, attested, handed over, system, the name of an expectation, or power-off.',
        ),
      state: z.enum(['reached', 'failed', 'not reached']),
      seconds: seconds.optional(),
      line: z.string().optional().describe('What the console or the guest showed of it.'),
    }),
  ),
  endedAt: z.string().optional().describe('Of a refused boot: the stage at which it ended.'),
  causes: z.array(z.string()).describe('What usually ends a boot there, the most likely first.'),
  attestation: z
    .strictObject({
      paths: z.int(),
      bytes: z.int().describe('Of the regular files whose digests were taken.'),
      seconds: seconds.describe('Until the guest had told all.'),
      differences: z.array(
        z.strictObject({
          path: z.string(),
          what: z.enum(['missing', 'type', 'mode', 'owner', 'size', 'target', 'content', 'device', 'link']),
          wanted: z.string(),
          found: z.string(),
        }),
      ),
      added: z.array(z.string()).describe('Paths of an archive in the kernel; they refuse nothing.'),
    })
    .optional()
    .describe('With --attest: what the guest has unpacked, held against the image.'),
  survey: survey.optional(),
  disks: z
    .array(
      z.strictObject({
        file: z.string().describe('The name of its file.'),
        format: z.enum(['raw', 'qcow2']),
        device: z.string().describe('What Linux calls it: /dev/vda.'),
      }),
    )
    .optional()
    .describe('With --disk: what the guest had besides its image.'),
  expectations: z.array(
    z.strictObject({
      expectation,
      patch: z.string().optional().describe('The id of the patch that expects it.'),
      met: z.boolean(),
      found: z.string(),
      seconds: seconds.optional(),
      late: z.literal(true).optional(),
    }),
  ),
  warnings: z.array(z.string()),
  console: z.string().describe('The file of the console.'),
  tail: z.array(z.string()).describe('The last lines of the console of a refused boot.'),
  error: error.optional().describe('With `verify --json`, of a refused boot.'),
});
