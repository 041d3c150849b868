import { z } from 'zod';
import { whenSchema } from './when.js';

const pattern = z.string().min(1).max(1000);

/** `20s`, `2m`, or a number of seconds. */
const duration = z
  .union([
    z.int().min(1),
    z.string().regex(/^[1-9]\d{0,5}(s|m)$/, { error: 'expected a duration like 20s or 2m' }),
  ])
  .describe("Seconds of the guest's time, like 20s or 2m.");

/** `200M`, or a number of MiB. */
const size = z
  .union([
    z.int().min(1),
    z.string().regex(/^[1-9]\d{0,6}(M|MiB|G|GiB)$/, { error: 'expected a size like 200M or 1G' }),
  ])
  .describe('MiB in use when the system is up, like 200M or 1G.');

const within = duration.optional().describe("By which second of the guest's time it must hold, like 20s.");

/** Each kind may have a condition. */
function expectation<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({ ...shape, when: whenSchema.optional() });
}

/** One expectation, as it is written. */
export const expectationSchema = z.union([
  expectation({
    console: pattern.describe('A regular expression that a line of the console matches.'),
    within,
  }),
  expectation({
    file: z.string().min(1).describe('A path that exists after the boot.'),
    content: z.string().optional().describe('The exact text of the file.'),
    within,
  }),
  expectation({
    service: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'A service that runs: its name in the init system, or that of a process where there is none.',
      ),
    within,
  }),
  expectation({
    mount: z.string().min(1).describe('A path at which a file system is mounted.'),
    type: z.string().min(1).optional().describe('The type of the file system.'),
    within,
  }),
  expectation({
    port: z
      .int()
      .min(1)
      .max(65_535)
      .describe('A TCP port that takes a connection from outside of the guest.'),
    send: z.string().optional().describe('What is sent over it first.'),
    answer: pattern.optional().describe('A regular expression of what comes over it.'),
    within,
  }),
  expectation({
    command: z.string().min(1).max(8192).describe("A command of the guest's shell."),
    exit: z.int().min(0).max(255).optional().describe('Its exit code; default: 0.'),
    output: pattern.optional().describe('A regular expression of its output; ^ and $ match at every line.'),
    within,
  }),
  expectation({
    'no-failed-services': z.boolean().describe('Whether a failed service refuses the boot; default: true.'),
    except: z.array(z.string().min(1)).optional().describe('Services that may fail.'),
  }),
  expectation({ poweroff: z.literal(true).describe('The guest ends by itself.'), within }),
  expectation({ within: duration }),
  expectation({ 'memory-below': size }),
]);

/** An expectation as it is written. */
export type WrittenExpectation = z.output<typeof expectationSchema>;
