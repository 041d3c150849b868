import { z } from 'zod';

const engines = ['auto', 'stream', 'docker', 'local'] as const;
const modes = ['rewrite', 'append', 'auto'] as const;
const networks = ['none', 'isolated', 'host'] as const;

/** The file `moby-patch.yaml`: all that the options of `build` can say. */
export const configurationSchema = z.strictObject({
  image: z.string().min(1).optional(),
  patches: z.array(z.string().min(1)).optional(),
  settings: z.record(z.string(), z.union([z.string(), z.number().transform(String)])).optional(),
  output: z.string().min(1).optional(),
  engine: z.enum(engines).optional(),
  compression: z.string().optional(),
  level: z.int().optional(),
  mode: z.enum(modes).optional(),
  'single-member': z.boolean().optional(),
  kernel: z.string().min(1).optional(),
  cmdline: z.string().optional(),
  memory: z.int().min(16).optional().describe('MiB of the machine that boots the output.'),
  timeout: z.int().min(1).optional().describe('Seconds that a boot may take.'),
  network: z.enum(networks).optional(),
  expect: z
    .array(z.string().min(1))
    .optional()
    .describe('Regular expressions of console lines that a good boot shows.'),
});

export type Configuration = z.output<typeof configurationSchema>;
