import type { Layout } from '../model/image/layout.js';
import type { Manifest, ManifestImage } from '../model/result/manifest.js';
import type { Report } from '../model/result/report.js';

/** The part of a report that still matters when the build is forgotten. */
export function createManifest(report: Report): Manifest {
  const { before, after, boot, plan, engine, mode } = report;
  return {
    version: 1,
    // Several names are a description, not a path.
    input: describe((before?.files?.length ?? 1) > 1 ? report.input : nameFile(report.input), before),
    output: describe(nameFile(report.output ?? ''), after),
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

function describe(name: string, layout: Layout | undefined): ManifestImage {
  const { size = 0, sha256 = '', files } = layout ?? {};
  const listed = files?.map(({ name, offset, end, sha256: digest }) => ({
    name: nameFile(name),
    size: end - offset,
    sha256: digest,
  }));
  return { name, size, sha256, ...(listed && { files: listed }) };
}

/** Name -> version of every package that a step installed. */
export function listPackages({ steps }: Report): Readonly<Record<string, string>> {
  return Object.fromEntries(steps.flatMap((step) => Object.entries(step.packages)));
}

/** Without its folder: a manifest is read on other machines. */
function nameFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
