import type { Deployed } from '../model/result/deployed.js';

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
