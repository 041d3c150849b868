import { z } from 'zod';
import { expectationSchema } from '../patch/language/expectation-schema.js';
import { createEntries, createScalar } from '../patch/language/scalar.js';

const engines = ['auto', 'stream', 'docker', 'local'] as const;
const modes = ['rewrite', 'append', 'auto'] as const;
const networks = ['none', 'isolated', 'host'] as const;

/** A list is what its entries are on the command line: one text with commas. */
const setting = z.union([createScalar(), createEntries().transform((entries) => entries.join(','))]);

/** The options of a build, as `moby-patch.yaml` and each of its targets have them. */
export const buildOptions = {
  image: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe(
      'The stock image: a file, or the id of an image definition; a list of files is read as one image.',
    ),
  patches: z.array(z.string().min(1)).optional().describe('Folders of patches, or their ids.'),
  settings: z
    .record(z.string(), setting)
    .optional()
    .describe('Values of parameters: NAME, or PATCH.NAME where several patches have that name.'),
  secrets: z
    .record(
      z.string(),
      z.union([
        z.strictObject({ file: z.string().min(1).describe('A file with the value.') }),
        z.strictObject({ env: z.string().min(1).describe('The name of an environment variable.') }),
      ]),
    )
    .optional()
    .describe('Where the values of secret parameters come from: NAME, or PATCH.NAME.'),
  accept: z
    .array(z.string().min(1))
    .optional()
    .describe('Paths of the image that may be other files than steps were written for (`was`).'),
  output: z.string().min(1).optional().describe('Where the new image goes.'),
  split: z
    .string()
    .min(1)
    .optional()
    .describe('Instead of "output": a folder, which gets one file for each of the image.'),
  engine: z.enum(engines).optional().describe('Where commands run.'),
  'step-memory': z
    .int()
    .min(16)
    .optional()
    .describe("MiB of memory of a step's processes together; default: half of the machine's."),
  'step-processes': z.int().min(8).optional().describe("How many a step's processes may be; default: 4096."),
  compression: z
    .string()
    .optional()
    .describe('The compression of what is rewritten; default: that of the image.'),
  level: z.int().optional().describe('The level of the compression.'),
  mode: z
    .enum(modes)
    .optional()
    .describe('How changes are written: rewrite, append, or auto (append if possible).'),
  'single-member': z
    .boolean()
    .optional()
    .describe('One compressed member, for a loader that reads only one.'),
  'data-align': z
    .int()
    .min(4)
    .multipleOf(4)
    .optional()
    .describe('Bodies of files begin at multiples of so many bytes, in an archive that is not compressed.'),
  cache: z
    .string()
    .startsWith('oci://', { error: 'expected oci://HOST/REPOSITORY' })
    .optional()
    .describe(
      'A repository of a registry behind the build cache of this machine, for all who build the same.',
    ),
  kernel: z.string().min(1).optional().describe('The kernel that boots the output.'),
  cmdline: z.string().optional().describe('More kernel arguments.'),
  disks: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Files with disks, raw or qcow2, that the machine has as /dev/vda and on. They stay as they are, whatever it writes.',
    ),
  memory: z.int().min(16).optional().describe('MiB of the machine that boots the output.'),
  timeout: z.int().min(1).optional().describe('Seconds that a boot may take.'),
  network: z
    .enum(networks)
    .optional()
    .describe('The network of the machine: none, isolated (reaches nothing) or host (the host is 10.0.2.2).'),
  expect: z
    .array(z.union([z.string().min(1), expectationSchema]))
    .optional()
    .describe(
      'What a good boot shows: regular expressions of console lines, or expectations as in "expects" of a patch.',
    ),
};

/** What a build gets of the file. */
export type BuildValues = z.output<z.ZodObject<typeof buildOptions>>;
