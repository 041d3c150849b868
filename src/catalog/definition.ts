import { z } from 'zod';
import { createUnreadableError, readText } from '../io/file/regular-file.js';
import { createProblemError } from '../yaml/problems.js';
import { readYaml } from '../yaml/read-yaml.js';
import { explainIssues, placeFault } from '../yaml/schema-issues.js';
import { createKeyFinder } from '../yaml/schema-keys.js';

const place = z
  .string()
  .min(1)
  .describe(
    'A path; ~ is the home folder; a relative path begins at the definition, or at what its recipe made.',
  );

const argv = z.array(z.string().min(1)).min(1);

const version = z
  .union([
    z.strictObject({ file: place, key: z.string().min(1).optional() }),
    z.strictObject({ command: argv }),
  ])
  .describe(
    'Which version is installed: a key of a property list, the first line of a file or of the output of a command.',
  );

const application = z
  .strictObject({
    running: argv.describe('A command that ends with 0 while the application runs.'),
    quit: argv.optional(),
    start: argv.optional(),
  })
  .describe('What must not run while its image is replaced.');

const candidate = z.strictObject({
  generation: z.string().min(1).describe('Which releases have the image there.'),
  initrd: place
    .optional()
    .describe('With one * in the name of the file: the newest version whose kernel exists.'),
  kernel: place.optional().describe('A * in it stands for what the * of the initrd stands for.'),
  cmdline: z.string().optional(),
  version: version.optional(),
  application: application.optional(),
  expect: z.array(z.string().min(1)).optional().describe('As `expect`, where generations differ.'),
  unsupported: z
    .string()
    .min(1)
    .optional()
    .describe('The reason why an image of this generation is recognised and refused.'),
});

/** Where an image, its kernel and its command line are, and what a good boot says on the console. */
const definitionSchema = z
  .strictObject({
    title: z.string().min(1),
    description: z.string().optional(),
    tried: z.boolean().default(true).describe('false: written from public facts, never run.'),
    recipe: z
      .string()
      .min(1)
      .optional()
      .describe('A program in this folder that makes the image; its argument is the output folder.'),
    initrd: place.optional(),
    kernel: place.optional(),
    candidates: z
      .array(candidate)
      .min(1)
      .optional()
      .describe('Places to search; the first that exists is used.'),
    version: version.optional(),
    application: application.optional(),
    cmdline: z.string().default('').describe('Kernel arguments that a good boot needs.'),
    memory: z.int().min(16).max(1_048_576).optional().describe('MiB that a boot needs.'),
    expect: z
      .array(z.string().min(1))
      .default([])
      .describe('Regular expressions of console lines that a good boot of the stock image shows.'),
  })
  .refine((definition) => (definition.initrd === undefined) !== (definition.candidates === undefined), {
    error: 'wanted either initrd or candidates',
  });

export type VersionSource = z.output<typeof version>;
export type Definition = z.output<typeof definitionSchema>;
export type Candidate = z.output<typeof candidate>;

/** Bytes. */
const largestFile = 2 ** 20;

/** Errors (`invalid`): `patch-invalid` with all problems, each with its line and column; `definition-unreadable`. */
export async function loadDefinition(file: string): Promise<Definition> {
  const text = await readText(file, largestFile).catch((cause) => {
    throw createUnreadableError(cause, { code: 'definition-unreadable', what: 'the definition', path: file });
  });
  const yaml = readYaml(text, file);
  const parsed = definitionSchema.safeParse(yaml.value);
  if (yaml.problems.length === 0 && parsed.success) return parsed.data;
  const faults =
    parsed.success || yaml.problems.length > 0
      ? []
      : explainIssues(parsed.error.issues, yaml.value, createKeyFinder(definitionSchema));
  const problems = [...yaml.problems, ...faults.map((fault) => placeFault(yaml, fault))];
  throw createProblemError(problems, 'see images/README.md');
}
