import { z } from 'zod';
import type { Deployment, DeployState, TouchedFile } from '../../model/deployment.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const fileMark = z.object({ sha256, size: z.int().min(0) });

export const deploymentSchema: z.ZodType<Deployment> = z.object({
  version: z.literal(1),
  stock: fileMark,
  patched: fileMark,
  plan: z.string(),
  recipe: z.string(),
  patches: z.array(z.object({ id: z.string(), folder: z.string(), sha256: z.string() })),
  settings: z.record(z.string(), z.string()),
  packages: z.record(z.string(), z.string()),
  verdict: z.enum(['passed', 'not booted']),
  application: z.string().optional(),
  kernel: sha256.optional(),
  segments: z.array(sha256),
  stockRoot: sha256,
  build: z.string().regex(/^[0-9a-f]+$/),
  time: z.string(),
});

export const stateSchema: z.ZodType<DeployState> = z.object({
  version: z.literal(1),
  image: z.string(),
  wanted: z.enum(['patched', 'stock']),
  deployments: z.array(deploymentSchema),
});

export const touchedSchema: z.ZodType<TouchedFile[]> = z.array(
  z.object({ path: z.string(), before: z.string().optional(), after: z.string().optional() }),
);
