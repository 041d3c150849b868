import { MobyPatchError } from '../model/error.js';
import type { Lock } from '../model/lock.js';

/** What is known of a build so far; what is absent comes later. */
export interface LockedParts {
  readonly input?: string;
  readonly plan?: string;
  readonly packages?: Readonly<Record<string, string>>;
  readonly output?: string;
}

const renew = 'build without --locked, look at what came out, then moby-patch lock';

/**
 * Error `lock-mismatch` for the first part that is not what a lock says: `invalid` for what goes in, `failed`
 * for what comes out.
 */
export function assertLocked(lock: Lock | undefined, { input, plan, packages, output }: LockedParts): void {
  if (lock === undefined) return;
  if (input !== undefined && input !== lock.input)
    throw createMismatch('invalid', `found an input with the digest ${input}, wanted ${lock.input}`);
  if (plan !== undefined && plan !== lock.plan)
    throw createMismatch('invalid', 'the patches, their parameters or their files are others than then');
  const other = packages && comparePackages(lock.packages, packages);
  if (other?.length) throw createMismatch('failed', `other packages were installed: ${other.join(', ')}`);
  if (output !== undefined && output !== lock.output)
    throw createMismatch('failed', `found an output with the digest ${output}, wanted ${lock.output}`);
}

function createMismatch(kind: 'invalid' | 'failed', message: string): MobyPatchError {
  return new MobyPatchError(kind, 'lock-mismatch', `not the build that is locked: ${message}`, {
    hint: renew,
  });
}

function comparePackages(
  locked: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(locked), ...Object.keys(found)])].sort();
  return names
    .filter((name) => locked[name] !== found[name])
    .map((name) => `${name} ${found[name] ?? 'none'} instead of ${locked[name] ?? 'none'}`);
}
