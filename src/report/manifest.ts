import type { Manifest } from '../model/manifest.js';
import type { Report } from '../model/report.js';

/** What a report says about an output that will still matter when the build is forgotten. */
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

/** A manifest is read on other machines, where the folders of this one mean nothing. */
function nameFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
