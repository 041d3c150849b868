import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MobyPatchError } from '../../model/error/error.js';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** Below the folder of the project, with forward slashes. */
const path = z
  .string()
  .max(4096)
  .refine((text) => !/^\/|(?:^|\/)\.{0,2}(?:\/|$)|[\\\0]/.test(text), { error: 'leads out of the project' });

/** An artifact lists at most 1000 layers, and the plan itself is one. */
export const mostFiles = 900;

const planSchema = z.strictObject({
  version: z.literal(1),
  /** Of the program that planned: another one may give other bytes. */
  program: z.string(),
  /** Whether what is built is booted. */
  verify: z.boolean(),
  files: z
    .array(z.strictObject({ path, digest, size: z.int().min(0), executable: z.boolean() }))
    .max(mostFiles),
  jobs: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100),
        key: z.string().regex(/^[0-9a-f]{64}$/),
        architecture: z.string().max(32).optional(),
      }),
    )
    .max(100_000),
});

/**
 * What a fleet builds: the files of a project, and a job for each target. It says all that a machine needs to do job N, and the key under
 * which the registry holds the result.
 */
export type JobPlan = z.output<typeof planSchema>;
export type PlannedJob = JobPlan['jobs'][number];
export type ProjectFile = JobPlan['files'][number];

export function formatPlan(plan: JobPlan): Uint8Array {
  return Buffer.from(JSON.stringify(plan));
}

/** The same plan has the same id, whoever makes it: a coordinator that is started again goes on with it. */
export function identifyPlan(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Error (`invalid`): `fleet-plan`. */
export function parsePlan(value: unknown, place: string): JobPlan {
  const parsed = planSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = `this is no plan of jobs: ${issue?.path.join('.')}: ${issue?.message}`;
  throw new MobyPatchError('invalid', 'fleet-plan', message, {
    path: place,
    hint: 'moby-patch fleet build makes one',
  });
}

/** Those of one architecture, numbered by themselves; without one all of them. */
export function listJobs({ jobs }: JobPlan, architecture: string | undefined): readonly PlannedJob[] {
  return architecture === undefined
    ? jobs
    : jobs.filter((job) => (job.architecture ?? 'any') === architecture);
}

/** A group of jobs that the same machines can do. */
export interface JobGroup {
  /** Undefined: any machine. */
  readonly architecture: string | undefined;
  readonly count: number;
}

/** A group for each architecture, where one is named; otherwise one for all. */
export function groupJobs(plan: JobPlan): readonly JobGroup[] {
  const named = [...new Set(plan.jobs.map(({ architecture }) => architecture))];
  if (named.every((each) => each === undefined))
    return [{ architecture: undefined, count: plan.jobs.length }];
  return named.map((architecture = 'any') => ({ architecture, count: listJobs(plan, architecture).length }));
}
