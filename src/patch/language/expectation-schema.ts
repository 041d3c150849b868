import { z } from 'zod';
import { type Expectation, kindOf } from '../../model/expectation.js';
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
    output: pattern.optional().describe('A regular expression of its output.'),
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

type Written = z.output<typeof expectationSchema>;

/** With numbers for durations and sizes. */
export function normaliseExpectation(written: Written): Expectation {
  const { within: limit, ...rest } = written as Written & { readonly within?: number | string };
  const timed = limit === undefined ? {} : { within: readNumber(limit) };
  const expectation = { ...rest, ...timed } as unknown as Expectation;
  if (kindOf(expectation) !== 'memory-below' || !('memory-below' in written)) return expectation;
  return { ...expectation, 'memory-below': readNumber(written['memory-below']) } as Expectation;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, M: 1, MiB: 1, G: 1024, GiB: 1024 };

function readNumber(value: number | string): number {
  if (typeof value === 'number') return value;
  const [, digits = '', unit = ''] = /^(\d+)(\D+)$/.exec(value) ?? [];
  return Number(digits) * (units[unit] ?? 1);
}
