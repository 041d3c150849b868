import { findDrift } from '../format/package-drift.js';
import type { PackageDrift } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Lock } from '../model/patch/lock.js';

/** What is known of a build so far; the other parts come later. */
export interface LockedParts {
  readonly input?: string;
  readonly plan?: string;
  readonly packages?: Readonly<Record<string, string>>;
  readonly output?: string;
}

/**
 * Compares parts of a build with its lock. Error: `lock-mismatch` for the first part that differs, `invalid` for what
 * goes in and `failed` for what comes out.
 */
export function assertLocked(lock: Lock | undefined, { input, plan, packages, output }: LockedParts): void {
  if (lock === undefined) return;
  if (input !== undefined && input !== lock.input)
    throw createMismatch('invalid', `found an input with the digest ${input}, wanted ${lock.input}`);
  if (plan !== undefined && plan !== lock.plan)
    throw createMismatch('invalid', 'the patches, their parameters or their files have changed since');
  const differences = packages ? findDrift(lock.packages, packages).map(describeDrift) : [];
  if (differences.length > 0)
    throw createMismatch(
      'failed',
      `other packages were installed: ${differences.join(', ')}`,
      'moby-patch build --locked --offline installs those that lock --vendor has kept; or build without --locked, check the output, then moby-patch lock',
    );
  if (output !== undefined && output !== lock.output)
    throw createMismatch('failed', `found an output with the digest ${output}, wanted ${lock.output}`);
}

function describeDrift({ name, before, after }: PackageDrift): string {
  if (before === undefined) return `${name} ${after} is new`;
  return after === undefined ? `${name} ${before} is missing` : `${name} ${after} instead of ${before}`;
}

function createMismatch(
  kind: 'invalid' | 'failed',
  message: string,
  hint = 'build without --locked, check the output, then moby-patch lock',
): MobyPatchError {
  return new MobyPatchError(kind, 'lock-mismatch', `not the build that is locked: ${message}`, { hint });
}
