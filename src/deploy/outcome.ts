import type { Conflict, Deployment, PackageDrift, Status } from '../model/deployment.js';
import type { Report } from '../model/result/report.js';

/** What `apply` or `reapply` did. */
export interface Deployed {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  /** Whether the installed image was replaced (`dryRun`: would be). */
  readonly changed: boolean;
  /** Set when the installed image was left in place and booted, which had not happened before. */
  readonly proved?: boolean | undefined;
  /** The status before. */
  readonly before: Status;
  /** Whose patched image is installed now. */
  readonly deployment?: Deployment | undefined;
  /** Undefined for the first deployment, and when the record of touched files was lost. */
  readonly conflicts?: readonly Conflict[] | undefined;
  readonly drift?: readonly PackageDrift[] | undefined;
  /** The report of the build, or with `dryRun` of the plan; absent when nothing was built. */
  readonly report?: Report | undefined;
}

/** Lines for people. */
export function describeDeployed(deployed: Deployed, { dryRun = false } = {}): string[] {
  const { name, changed, proved, before, deployment, conflicts = [], drift = [], report } = deployed;
  if (proved) return [`${name}: was patched, never booted; it booted now and stays installed`];
  if (!changed) return [`${name}: nothing to do: ${before.reason}`];
  const lines = [`${name}: was ${before.status}: ${before.reason}`];
  const steps = report?.plan?.steps ?? [];
  if (dryRun) lines.push(...steps.map(({ patch, summary }) => `  would do ${patch}: ${summary}`));
  lines.push(
    ...conflicts.map(
      ({ path, upstream }) => `  conflict ${path}: ${upstream} upstream; the patch's file is in its place`,
    ),
    ...drift.map(
      ({ name: each, before: old, after }) => `  package  ${each}: ${old ?? 'none'} -> ${after ?? 'none'}`,
    ),
    ...(report?.warnings ?? []).map((warning) => `  warning  ${warning}`),
  );
  if (dryRun) return [...lines, 'nothing was changed (--dry-run)'];
  const booted = deployment?.verdict === 'passed' ? 'booted and installed' : 'installed without a boot';
  return [...lines, `  now      patched, ${booted}: sha256 ${deployment?.patched.sha256}`];
}
