import type { Manifest } from '../model/manifest.js';
import type { Report } from '../model/report.js';

/** The part of a report that still matters when the build is forgotten. */
export function createManifest(report: Report): Manifest {
  const { before, after, boot, plan, engine, mode } = report;
  return {
    version: 1,
    input: { name: nameFile(report.input), size: before?.size ?? 0, sha256: before?.sha256 ?? '' },
    output: { name: nameFile(report.output ?? ''), size: after?.size ?? 0, sha256: after?.sha256 ?? '' },
    plan: plan?.id ?? '',
    patches:
      plan?.patches.map(({ id, title, sha256, parameters }) => ({ id, title, sha256, parameters })) ?? [],
    packages: listPackages(report),
    engine: engine?.name ?? '',
    mode: mode?.name ?? '',
    verdict: boot === undefined ? 'not booted' : boot.verdict,
    ...(boot === undefined ? {} : { reached: boot.reached, console: nameFile(boot.console) }),
    warnings: report.warnings,
  };
}

/** Name -> version of every package that a step installed. */
export function listPackages({ steps }: Report): Readonly<Record<string, string>> {
  return Object.assign({}, ...steps.map((step) => step.packages));
}

/** Without its folder: a manifest is read on other machines. */
function nameFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
